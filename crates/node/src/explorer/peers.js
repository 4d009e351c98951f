// Who is connected, and how far this node is beside them.
const PEERS_EVERY_MS = 5000;
let networked = false;
function showSync({ length, sync, peers, tip }) {
  const behind = sync.state === "syncing";
  at("sync").textContent = sync.state === "alone" ? "no peers"
    : behind ? `${number(length)} of ${number(sync.best_height)}` : "up to date";
  const line = sync.state === "alone" ? ""
    : behind ? `Syncing: block ${number(length)} of ${number(sync.best_height)}, the tip with the most work that is known.`
    : `Up to date with ${plural(peers, "peer")}: no tip with more work than block ${number(tip.index)} is known.`;
  if (at("sync-line").textContent !== line) at("sync-line").textContent = line;
  at("sync-bar").hidden = !behind;
  at("sync-bar").max = Math.max(sync.best_height, 1);
  at("sync-bar").value = Math.min(length, sync.best_height);
}
function peerRow(peer) {
  const row = make("tr");
  const name = make("th");
  name.scope = "row";
  const id = make("bdi", plain(peer.id.length > 12 ? `…${peer.id.slice(-10)}` : peer.id), "mono");
  id.title = plain(peer.id);
  const line = make("div", `${peer.direction} · `, "note");
  line.append(named(peer.address));
  name.append(id, line);
  row.append(name, make("td", number(peer.height)),
    make("td", peer.latency_ms === null ? "–" : `${peer.latency_ms < 10 ? peer.latency_ms.toPrecision(2) : peer.latency_ms.toFixed(0)} ms`));
  row.dataset.id = peer.id;
  return row;
}
const refreshPeers = calm(async () => {
  const { id, listen, peers } = await ask("/peers");
  networked = id !== null;
  at("peer-rows").replaceChildren(...peers.map(peerRow));
  at("peer-table").hidden = peers.length === 0;
  at("peers-note").textContent = id === null ? "This node takes part in no network: serve --listen or --peer lets it."
    : peers.length === 0 ? "Nobody is connected." : "";
  const own = make("p", undefined, "note");
  if (id !== null) {
    const whole = make("span", "This node: ");
    whole.append(make("bdi", plain(id), "mono id"));
    own.append(whole, copyButton(id, "this node's id"));
  }
  if (at("own").dataset.id !== String(id)) at("own").replaceChildren(own);
  at("own").dataset.id = id;
  at("listen").replaceChildren(...listen.map(address => {
    const li = make("li");
    li.append(named(address));
    return li;
  }));
  at("listen-part").hidden = listen.length === 0;
});
// Heights and latencies change without an event.
setInterval(() => {
  if (document.hidden || !streaming || !networked) return;
  refreshPeers();
  refreshStatus();
}, PEERS_EVERY_MS);
