// What happens at the node, as it happens.
const AGAIN_MS = 3000;
function refreshAll() {
  refreshBlocks(); refreshPending(); refreshTree(); refreshPeers();
}
function hear() {
  const events = new EventSource("/events");
  events.onopen = () => { streaming = true; showLive(); refreshAll(); };
  events.onerror = () => {
    streaming = false; current = 0;
    showLive();
    // The browser tries again by itself, unless it was refused.
    if (events.readyState === EventSource.CLOSED) setTimeout(hear, AGAIN_MS);
  };
  events.addEventListener("block", () => { refreshBlocks(); refreshPending(); refreshTree(); });
  events.addEventListener("transaction", refreshPending);
  events.addEventListener("peer", () => { refreshPeers(); refreshStatus(); });
  events.addEventListener("missed", refreshAll);
  events.addEventListener("mining", event => {
    // The rate of this moment: what was done since the last event, not since the beginning.
    const told = JSON.parse(event.data);
    if (told.status !== "mining") { before = { hashes: 0, elapsed_s: 0 }; current = 0; return; }
    const took = told.elapsed_s - before.elapsed_s;
    current = took > 0 && told.hashes >= before.hashes ? (told.hashes - before.hashes) / took : told.hashes_per_second ?? 0;
    before = told;
  });
}
hear();
// Whether it answers by now.
setInterval(() => { if (answering === false || !streaming) refreshStatus(); }, AGAIN_MS);
refreshAll();
route();
