// Gives each thing that can be focused the focus, and finds what its ring covers: [how many have one, what is wrong].
const area = rect => ({ left: rect.left, top: rect.top, right: rect.right, bottom: rect.bottom });
const texts = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode, parent = text.parentElement;
  if (!text.data.trim() || parent.closest('.hidden, .skip, script, style, svg, [hidden], template') || !parent.checkVisibility()) continue;
  const range = document.createRange();
  range.setStart(text, text.data.search(/\S/));
  range.setEnd(text, text.data.trimEnd().length);
  for (const rect of range.getClientRects()) if (rect.width > 0.5) texts.push([text, area(rect)]);
}
const bad = [];
let seen = 0;
for (const element of document.querySelectorAll('a[href], button:not([disabled]), input, summary')) {
  if (!element.checkVisibility() || element.matches('.skip')) continue;
  element.focus({ preventScroll: true });
  const style = getComputedStyle(element), width = parseFloat(style.outlineWidth), offset = parseFloat(style.outlineOffset);
  if (style.outlineStyle === 'none' || !(width >= 2)) { bad.push(['no ring', element.outerHTML.slice(0, 120)]); continue; }
  seen++;
  for (const rect of element.getClientRects()) {
    const inner = { left: rect.left - offset, top: rect.top - offset, right: rect.right + offset, bottom: rect.bottom + offset };
    const outer = { left: inner.left - width, top: inner.top - width, right: inner.right + width, bottom: inner.bottom + width };
    for (const [text, place] of texts) {
      const own = element.contains(text);
      if (own && element.getClientRects().length > 1) continue;   // its lines have one ring around them all
      // Letters stand within their line's box: 2 px above and below them are empty.
      const letters = { left: place.left, top: place.top + 2, right: place.right, bottom: place.bottom - 2 };
      const touches = letters.left < outer.right && letters.right > outer.left && letters.top < outer.bottom && letters.bottom > outer.top;
      const within = letters.left >= inner.left - 0.5 && letters.right <= inner.right + 0.5 && letters.top >= inner.top && letters.bottom <= inner.bottom;
      const clipped = own && getComputedStyle(text.parentElement).overflow === 'hidden';
      if (touches && !within && !clipped) bad.push([element.outerHTML.slice(0, 120), text.data.trim().slice(0, 60), JSON.stringify([inner, letters])]);
    }
  }
}
return [seen, bad];
