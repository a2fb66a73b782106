"""What rules that wrap another rule have in common."""

from typing import Any

from solvable.rules.rule import Rule, check_rule
from solvable.util.errors import wrong_kind


def check_wrapped(name: str, rule: Any) -> Rule:
    """A rule that takes steps on batches, of which a wrapper can be made."""
    check_rule(rule)
    steps = type(rule).coefficients is not Rule.coefficients
    if rule.data != "fresh" or not steps:
        fix = "Full batches are the outermost wrapper: FullBatch(Averaged(...))."
        raise wrong_kind(name, "be a rule with coefficients, on batches of samples", rule, fix)
    return rule
