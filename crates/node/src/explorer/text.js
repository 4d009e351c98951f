"use strict";
// Words: how numbers, times, names and ids are written.
const at = id => document.getElementById(id);
// Everything from the ledger is set as text, never as markup.
const make = (tag, text, kind) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
const link = (text, href, kind) => {
  const element = make("a", text, kind);
  element.href = href;
  return element;
};
const number = n => n.toLocaleString("en");
const plural = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;
const rateText = rate => {
  const units = ["H/s", "kH/s", "MH/s", "GH/s", "TH/s"];
  let unit = 0;
  while (rate >= 1000 && unit < units.length - 1) { rate /= 1000; unit++; }
  return `${rate >= 100 ? rate.toFixed(0) : rate.toPrecision(3)} ${units[unit]}`;
};
const timeText = seconds => new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, 19) + " UTC";
// How long, in the largest unit of which there is one.
function span(seconds) {
  const units = [["years", 31557600], ["days", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  for (const [unit, length] of units) {
    const count = seconds / length;
    if (count < 1) continue;
    if (count >= 1e6) return `${count.toExponential(1).replace("e+", " × 10^")} ${unit}`;
    return `${number(Math.floor(count))} ${Math.floor(count) === 1 ? unit.replace(/s$/, m => unit === "s" ? m : "") : unit}`;
  }
  return seconds < 0.001 ? "less than 1 ms" : `${Math.floor(seconds * 1000)} ms`;
}
// The node's clock, not the browser's: each answer has its date.
let skew_ms = 0;
const ago = seconds => {
  const past = (Date.now() + skew_ms) / 1000 - seconds;
  if (past < -1.5) return `${span(-past)} ahead of the clock`;
  return past < 1.5 ? "just now" : `${span(past)} ago`;
};
function when(seconds, kind) {
  const element = make("time", undefined, kind);
  element.dateTime = new Date(seconds * 1000).toISOString();
  element.title = timeText(seconds);
  element.dataset.at = seconds;
  tellTime(element);
  return element;
}
function tellTime(element) {
  const text = ago(Number(element.dataset.at));
  if (element.textContent !== text) element.textContent = text;
  element.classList.toggle("ahead", text.endsWith("ahead of the clock"));
}
setInterval(() => document.querySelectorAll("time[data-at]").forEach(tellTime), 1000);

// What no eye sees, or what turns the writing around: controls, overrides, joiners, spaces that are none, unassigned signs.
const UNSEEN = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u;
function pieces(text) {
  const found = [];
  let before = "";
  for (const sign of text) {
    // The sign after an emoji that makes it one in colour.
    const hidden = sign !== " " && UNSEEN.test(sign) && !(sign === "\ufe0f" && /\p{Extended_Pictographic}/u.test(before));
    const seen = hidden ? `\\u{${sign.codePointAt(0).toString(16)}}` : sign;
    const last = found.at(-1);
    if (last?.hidden === hidden) last.text += seen; else found.push({ hidden, text: seen });
    before = sign;
  }
  return found;
}
const plain = text => pieces(text).map(piece => piece.text).join("");
// A name keeps its direction of writing to itself.
function named(text) {
  const element = make("bdi", undefined, "name");
  element.append(...pieces(text).map(({ hidden, text }) => hidden ? make("span", text, "escape") : text));
  return element;
}

// SHA-256 (FIPS 180-4) of bytes: the browser's own is only there over https and on this machine.
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every(prime => n % prime)) primes.push(n);
const fraction = x => Math.floor((x - Math.floor(x)) * 2 ** 32);
const ROUND = primes.map(prime => fraction(Math.cbrt(prime)));
const BEGIN = primes.slice(0, 8).map(prime => fraction(Math.sqrt(prime)));
function sha256(bytes) {
  const padded = new Uint8Array((bytes.length + 72 >> 6) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, bytes.length * 8);
  const state = new Uint32Array(BEGIN), w = new Uint32Array(64);
  const turn = (x, n) => x >>> n | x << 32 - n;
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(block + 4 * i);
    for (let i = 16; i < 64; i++) {
      const s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >>> 3;
      const s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >>> 10;
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const t1 = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + ROUND[i] + w[i] | 0;
      const t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, d + t1 | 0, c, b, a, t1 + t2 | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] += value; });
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((value, i) => digest.setUint32(4 * i, value));
  return new Uint8Array(digest.buffer);
}
// A transaction's id: sha256d of its canonical JSON (RFC 8785, which writes strings and numbers as this language does).
function idOf({ id, ...transaction }) {
  if (id) return id;
  const canonical = JSON.stringify(transaction, Object.keys(transaction).sort());
  const digest = sha256(sha256(new TextEncoder().encode(canonical)));
  return [...digest].map(byte => byte.toString(16).padStart(2, "0")).join("");
}

// Puts a text on the clipboard; where the page may not (plain http from elsewhere), as people did before there was a way.
async function copy(text) {
  try { await navigator.clipboard.writeText(text); return true; } catch { /* the old way */ }
  const field = make("textarea", text);
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return done;
}
function copyButton(text, what) {
  const button = make("button", "Copy", "copy");
  button.type = "button";
  button.setAttribute("aria-label", `Copy ${what}`);
  button.addEventListener("click", async () => {
    const done = await copy(text);
    at("copied").textContent = done ? `Copied ${what}` : `Could not copy ${what}`;
    button.textContent = done ? "Copied" : "Failed";
    setTimeout(() => { button.textContent = "Copy"; at("copied").textContent = ""; }, 1500);
  });
  return button;
}
