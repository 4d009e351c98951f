// The list of blocks, what waits, and a block in full.
const PAGE = 15, SHOWN_PENDING = 20, SHOWN_TRANSACTIONS = 200;
let length = 0, last = null, known = 0;   // last: the newest block shown; null follows the tip
let difficulty = 0;
async function showStatus() {
  const status = await ask("/status");
  length = status.length;
  difficulty = status.tip.next_difficulty_bits;
  at("length").textContent = number(length);
  at("waiting").textContent = number(status.pending);
  at("difficulty").textContent = `${difficulty.toFixed(2)} bits`;
  at("node").textContent = status.node_id.slice(0, 8);
  at("node").title = status.node_id;
  if (!status.mining.active) current = 0;
  showSync(status);
}
const refreshStatus = calm(showStatus);
const refreshBlocks = calm(async () => {
  await showStatus();
  const top = last === null ? length : last;
  const from = Math.max(1, top - PAGE + 1);
  const page = await ask(`/chain?from=${from}&limit=${top - from + 1}`);
  const open = new Map([...at("blocks").children].filter(li => li.dataset.open).map(li => [li.dataset.hash, li]));
  // What is open stays as it is: a reader may be in the midst of it.
  const items = page.chain.reverse().map(block => open.get(block.hash) ?? item(block));
  const focused = document.activeElement?.closest?.("#blocks > li");
  at("blocks").replaceChildren(...items);
  at("blocks").start = top;
  if (focused) {
    const same = items.find(li => li.dataset.hash === focused.dataset.hash);
    if (same === focused) focusedBefore?.focus({ preventScroll: true });
    else same?.querySelector("button").focus({ preventScroll: true });
  }
  known = Math.max(known, top);
  at("older").disabled = from === 1;
  at("newest").disabled = last === null;
});
// To take an element out takes its focus away.
let focusedBefore = null;
document.addEventListener("focusin", event => { focusedBefore = event.target; });
const refreshPending = calm(async () => {
  const { transactions, length: waiting } = await ask(`/transactions/pending?limit=${SHOWN_PENDING}`);
  at("pending").replaceChildren(...transactions.map(t => transfer(t)));
  const more = waiting - transactions.length;
  at("pending-note").textContent = waiting === 0 ? "Nothing waits." : more > 0 ? `and ${number(more)} more` : "";
  at("waiting").textContent = number(waiting);
});

// The block's reward is told apart by what no name can say: a label instead of a sender.
function transfer(t) {
  const isReward = t.sender === "0";
  const li = make("li", undefined, isReward ? "transfer reward" : "transfer");
  li.append(isReward ? make("span", "block reward", "kind") : named(t.sender), " → ", named(t.recipient), ": ",
    make("b", number(t.amount)));
  if (isReward && t.recipient.startsWith("{")) li.append(make("span", " (what the network is)", "note"));
  const id = idOf(t);
  li.append(" ", link(`${id.slice(0, 16)}…`, `#transaction/${id}`, "id mono"));
  li.lastChild.title = id;
  li.lastChild.setAttribute("aria-label", `Transaction ${id.slice(0, 16)}…`);
  return li;
}
// A list of transactions that grows when asked to.
function transfers(all, label) {
  const part = make("div");
  const list = make("ul");
  list.setAttribute("aria-label", label);
  const more = make("button", undefined);
  more.type = "button";
  const show = () => {
    const done = list.children.length;
    list.append(...all.slice(done, done + SHOWN_TRANSACTIONS).map(transfer));
    const left = all.length - list.children.length;
    more.textContent = `Show ${number(Math.min(left, SHOWN_TRANSACTIONS))} of ${number(left)} more`;
    more.hidden = left === 0;
  };
  more.addEventListener("click", show);
  part.append(list, more);
  show();
  return part;
}
function item(block) {
  const li = make("li");
  li.dataset.hash = block.hash;
  li.dataset.index = block.index;
  if (block.index > known && known > 0) li.className = "new";
  const button = make("button", undefined, "block");
  button.type = "button";
  button.append(make("span", block.index, "index"), make("span", block.hash, "hash"),
    make("span", plural(block.transactions.length, "transaction"), "note"), when(block.timestamp, "note time"));
  const detail = make("div", undefined, "detail");
  detail.id = `detail-${block.hash}`;
  button.setAttribute("aria-controls", detail.id);
  const show = open => {
    li.dataset.open = open ? "1" : "";
    button.setAttribute("aria-expanded", open);
    detail.hidden = !open;
    if (open && !detail.hasChildNodes()) fill(detail, block, true);
  };
  button.addEventListener("click", () => show(!li.dataset.open));
  li.append(button, detail);
  show(false);
  return li;
}
function fact(name, value, toCopy) {
  const part = make("div", undefined, toCopy ? "fact copied" : "fact");
  const dd = make("dd");
  dd.append(typeof value === "string" ? make("span", value) : value);
  part.append(make("dt", name), dd);
  if (toCopy) dd.append(copyButton(toCopy, name.toLowerCase()));
  return part;
}
function fill(detail, block, withLink) {
  const facts = make("dl", undefined, "facts");
  const previous = block.index > 1 ? link(block.previous_hash, `#block/${block.previous_hash}`) : block.previous_hash;
  const time = make("span", `${timeText(block.timestamp)}, `);
  time.append(when(block.timestamp));
  facts.append(fact("Hash", block.hash, block.hash), fact("Previous", previous, block.previous_hash),
    fact("Merkle root", block.merkle_root, block.merkle_root), fact("Time", time), fact("Bits", block.bits),
    fact("Proof", String(block.proof)), fact("Version", (block.version >>> 0).toString(16).padStart(8, "0")));
  detail.append(facts);
  if (withLink) {
    const row = make("p", undefined, "links");
    row.append(link(`Block ${block.index} by itself`, `#block/${block.index}`));
    detail.append(row);
  }
  detail.append(transfers(block.transactions, `Transactions of block ${block.index}`));
}
at("older").addEventListener("click", () => { last = Math.max(1, (last ?? length) - PAGE); refreshBlocks(); });
at("newest").addEventListener("click", () => { last = null; refreshBlocks(); });
