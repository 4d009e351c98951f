// What is looked for: a block, a transaction, a name. Each has an address: #block/7, #block/HASH, #transaction/ID, #name/NAME.
const PAGE_LOOKED = 20, PAGES_LOOKED = 25, HITS = 50, MOST_PENDING = 1000;
let looking = 0;   // the last search; an answer to one before it comes too late
function unfold(title) {
  at("found").hidden = false;
  at("found-title").replaceChildren(...title);
  at("found-body").replaceChildren();
  say("found-say", "");
  document.title = `${at("found-title").textContent} · paydirt explorer`;
}
function fold() {
  looking++;
  at("found").hidden = true;
  at("found-title").replaceChildren();
  at("found-body").replaceChildren();
  document.title = "paydirt explorer";
}
async function showBlock(name, turn) {
  const block = await ask(`/blocks/${encodeURIComponent(name)}`);
  // By its hash it may be one that does not count.
  const active = name.length < 64 || await ask(`/blocks/${block.index}`).then(
    other => other.hash === block.hash,
    error => { if (error.status === 404) return false; throw error; });
  if (turn !== looking) return;
  unfold([`Block ${number(block.index)}`]);
  if (!active) at("found-body").append(make("p", "On a side branch: it does not count.", "note side"));
  const row = make("p", undefined, "links");
  if (block.index > 1) row.append(link("Previous block", `#block/${active ? block.index - 1 : block.previous_hash}`));
  if (active && block.index < length) row.append(link("Next block", `#block/${block.index + 1}`));
  at("found-body").append(row);
  fill(at("found-body"), block, false);
}
async function showTransaction(id, turn) {
  const t = await ask(`/transactions/${encodeURIComponent(id)}`);
  if (turn !== looking) return;
  unfold(["Transaction"]);
  const facts = make("dl", undefined, "facts");
  const place = make("span");
  if (t.status === "confirmed") {
    const tip = Math.max(t.index, length || (await ask("/status")).length);
    place.append("in block ", link(number(t.index), `#block/${t.index}`), ` of ${number(tip)}`);
    if (t.blocks > 1) place.append(`, the last of ${number(t.blocks)} that hold it`);
  } else place.append("waits for a block");
  const party = name => {
    const whole = link("", `#name/${encodeURIComponent(name)}`);
    whole.replaceChildren(named(name));
    return whole;
  };
  facts.append(fact("Id", t.id, t.id), fact("Sender", t.sender === "0" ? make("span", "block reward", "kind") : party(t.sender)),
    fact("Recipient", party(t.recipient)), fact("Amount", number(t.amount)), fact("Stands", place));
  if (t.tag) facts.append(fact("Tag", t.tag));
  at("found-body").append(facts);
}
async function showName(name, turn) {
  const mine = t => t.sender === name && name !== "0" || t.recipient === name;
  const { transactions } = await ask(`/transactions/pending?limit=${MOST_PENDING}`);
  if (turn !== looking) return;
  unfold(["Transactions of ", named(name)]);
  const list = make("ul");
  list.setAttribute("aria-label", "Transactions found");
  const note = make("p", "", "note");
  note.setAttribute("role", "status");
  const more = make("button", "Look further");
  more.type = "button";
  more.hidden = true;
  at("found-body").append(list, note, more);
  const put = (t, ...where) => {
    const li = transfer(t);
    li.append(" ", ...where);
    list.append(li);
  };
  transactions.filter(mine).forEach(t => put(t, make("span", "waits", "note")));
  const top = length || (await ask("/status")).length;
  let next = top;
  // From the newest block down, so many blocks at a time: a chain may be long.
  const look = async () => {
    more.hidden = true;
    const begin = list.children.length;
    for (let page = 0; page < PAGES_LOOKED && next > 0 && list.children.length - begin < HITS; page++) {
      const from = Math.max(1, next - PAGE_LOOKED + 1);
      const { chain } = await ask(`/chain?from=${from}&limit=${next - from + 1}`);
      if (turn !== looking) return;
      for (const block of chain.reverse()) {
        for (const t of block.transactions.filter(mine)) {
          put(t, link(`block ${number(block.index)}`, `#block/${block.index}`), " ", when(block.timestamp, "note"));
        }
      }
      next = from - 1;
    }
    const found = plural(list.children.length, "transaction");
    note.textContent = next === 0 ? `${found}, in the whole chain and what waits.`
      : `${found}, in what waits and blocks ${number(next + 1)} to ${number(top)}.`;
    more.hidden = next === 0;
  };
  more.addEventListener("click", () => look().catch(error => say("found-say", error.message, "bad")));
  await look();
}
const SHOWS = { block: showBlock, transaction: showTransaction, name: showName };
async function route() {
  const [, kind, rest] = /^#([a-z]+)\/(.+)$/s.exec(location.hash) ?? [];
  if (!Object.hasOwn(SHOWS, kind ?? "")) {
    if (location.hash === "" || location.hash === "#") fold();
    return;   // a place on the page
  }
  const turn = ++looking;
  try {
    await SHOWS[kind](decodeURIComponent(rest), turn);
  } catch (error) {
    if (turn !== looking) return;
    unfold(["Nothing found"]);
    say("found-say", error instanceof URIError ? "The address is not UTF-8 once its % signs are decoded" : error.message, "bad");
  }
  if (turn === looking) at("found-title").focus();
}
addEventListener("hashchange", route);
function go(hash) {
  if (location.hash === hash) route(); else location.hash = hash;
}
at("close").addEventListener("click", () => {
  history.pushState(null, "", location.pathname + location.search);
  fold();
  at("search").elements.q.focus();
});
at("search").addEventListener("submit", async event => {
  event.preventDefault();
  const text = event.target.q.value;
  const asked = text.trim();
  const quoted = /^"(.+)"$/s.exec(asked);
  if (asked === "") return;
  if (quoted) return go(`#name/${encodeURIComponent(quoted[1])}`);
  if (/^[0-9]{1,20}$/.test(asked)) return go(`#block/${asked}`);
  if (/^[0-9]{1,3}(,[0-9]{3})+$/.test(asked)) return go(`#block/${asked.replaceAll(",", "")}`);   // as this page writes them
  if (!/^[0-9a-f]{64}$/i.test(asked)) return go(`#name/${encodeURIComponent(asked)}`);
  const hex = asked.toLowerCase();
  const isBlock = await ask(`/blocks/${hex}`).then(() => true, () => false);
  go(`#${isBlock ? "block" : "transaction"}/${hex}`);
});
