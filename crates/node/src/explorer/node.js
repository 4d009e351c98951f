// The node: asking it, its token, whether it answers.
let token = "";
let streaming = null, answering = null;   // null: not known yet
function showLive() {
  const text = answering === false ? "the node does not answer" : streaming ? "live"
    : streaming === null ? "connecting" : "not connected, trying again";
  if (at("live").textContent !== text) at("live").textContent = text;
  at("live").className = answering !== false && streaming ? "on" : "off";
}
const NO_ANSWER = "The node does not answer";
function answered(does) {
  answering = does;
  showLive();
  if (!does) return;
  // What said otherwise is not true any more.
  for (const id of ["mine-say", "send-say", "found-say"]) if (at(id).textContent === NO_ANSWER) say(id, "");
}
async function ask(path, options = {}) {
  // Only what changes something wants it.
  const headers = { ...options.headers };
  if (options.method && token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(path, { ...options, headers }).catch(error => {
    if (error.name === "AbortError") throw error;
    answered(false);
    throw new Error(NO_ANSWER);
  });
  answered(true);
  const date = Date.parse(answer.headers.get("date"));
  if (date) skew_ms = date - Date.now();
  const body = await answer.json().catch(() => ({ message: `The node answered ${answer.status}` }));
  if (answer.status === 401) {
    askForToken();
    throw new Error(token ? "The node does not take this token" : "The node wants its token");
  }
  if (!answer.ok) throw Object.assign(new Error(body.message), { status: answer.status });
  return body;
}
function askForToken() {
  if (at("token")) return;
  at("doing").prepend(at("token-part").content.cloneNode(true));
  at("token").addEventListener("submit", event => {
    event.preventDefault();
    const text = event.target.token.value.trim();
    // Only what a header can carry: anything else would make each call fail without a word.
    const ok = /^[!-~]{1,1024}$/.test(text);
    if (ok) token = text;
    event.target.token.value = "";
    say("token-say", ok ? "It goes with what you do from now on." : "A token is one word of letters, digits and signs.",
      ok ? "good" : "bad");
  });
}
if (document.documentElement.dataset.token) askForToken();
function say(id, text, kind = "") {
  at(id).textContent = plain(text);
  at(id).className = `say ${kind}`;
}
// At most one call at a time, and one more if something happened meanwhile.
function calm(work) {
  let busy = false, again = false;
  return async function run() {
    if (busy) { again = true; return; }
    busy = true;
    try { await work(); } catch (error) { if (error.message !== NO_ANSWER) console.warn(error); }
    setTimeout(() => { busy = false; if (again) { again = false; run(); } }, 250);
  };
}
