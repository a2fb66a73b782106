"""What every wing uses: checks, records, results, files."""
