/** How wide a text will be, without laying out the page. */

const pen = document.createElement("canvas").getContext("2d")!;

export type Family = "serif" | "sans";

const families: Partial<Record<Family, string>> = {};

/** In pixels, in one of the families of the style sheet. */
export function widthOf(text: string, size: number, family: Family): number {
  families[family] ??= getComputedStyle(document.documentElement).getPropertyValue(`--${family}`).trim();
  pen.font = `${size}px ${families[family]}`;
  return pen.measureText(text).width;
}
