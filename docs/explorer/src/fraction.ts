/** Exact rational numbers. */

export class Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;

  constructor(numerator: bigint, denominator = 1n) {
    const sign = denominator < 0n ? -1n : 1n;
    const divisor = gcd(numerator, denominator) * sign;
    this.numerator = numerator / divisor;
    this.denominator = denominator / divisor;
  }

  /** "0.7", "-1.5e-2", "−0.2" and "7/10", exactly; null if the text is no number. */
  static parse(text: string): Fraction | null {
    text = text.replace("−", "-");
    const ratio = /^\s*([+-]?\d+)\s*\/\s*(\d+)\s*$/.exec(text);
    if (ratio) return BigInt(ratio[2]) ? new Fraction(BigInt(ratio[1]), BigInt(ratio[2])) : null;
    const decimal = /^\s*([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d{1,3}))?\s*$/i.exec(text);
    if (!decimal || !(decimal[2] + decimal[3])) return null;
    const digits = BigInt(decimal[1] + decimal[2] + decimal[3]);
    const shift = Number(decimal[4] ?? 0) - decimal[3].length;
    const power = 10n ** BigInt(Math.abs(shift));
    return shift < 0 ? new Fraction(digits, power) : new Fraction(digits * power);
  }

  plus(other: Fraction): Fraction {
    return new Fraction(
      this.numerator * other.denominator + other.numerator * this.denominator,
      this.denominator * other.denominator,
    );
  }

  minus(other: Fraction): Fraction {
    return this.plus(new Fraction(-other.numerator, other.denominator));
  }

  times(other: Fraction): Fraction {
    return new Fraction(this.numerator * other.numerator, this.denominator * other.denominator);
  }

  over(other: Fraction): Fraction {
    return new Fraction(this.numerator * other.denominator, this.denominator * other.numerator);
  }

  /** Whether this is less than the other. */
  below(other: Fraction): boolean {
    return this.minus(other).numerator < 0n;
  }

  valueOf(): number {
    return Number(this.numerator) / Number(this.denominator);
  }

  toString(): string {
    return this.denominator === 1n ? `${this.numerator}` : `${this.numerator}/${this.denominator}`;
  }
}

export function fraction(numerator: number, denominator = 1): Fraction {
  return new Fraction(BigInt(numerator), BigInt(denominator));
}

function gcd(a: bigint, b: bigint): bigint {
  [a, b] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (b) [a, b] = [b, a % b];
  return a;
}
