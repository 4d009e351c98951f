// Mining, its chart (a sample each half second, a minute of them), and the form that sends.
const SAMPLES = 120, SAMPLE_MS = 500;
let mining = null;
let current = 0, before = { hashes: 0, elapsed_s: 0 };
const samples = new Array(SAMPLES).fill(0);
function draw() {
  samples.push(current);
  samples.shift();
  const peak = Math.max(...samples);
  const y = rate => peak > 0 ? 96 - 90 * rate / peak : 96;
  const points = samples.map((rate, x) => `${x * 120 / (SAMPLES - 1)},${y(rate).toFixed(1)}`).join(" ");
  at("chart").querySelector("polyline").setAttribute("points", points);
  at("chart").querySelector("polygon").setAttribute("points", `0,100 ${points} 120,100`);
  at("rate").textContent = current > 0 ? rateText(current) : mining ? "starting" : "idle";
  // Each hash is as likely as any other: what was done already changes nothing about what is to come.
  at("expected").textContent = current > 0 && difficulty > 0
    ? `A block takes ${span(2 ** difficulty / current)} on average at this rate; ${span(before.elapsed_s)} so far.` : "";
  at("peak").textContent = peak > 0 ? `peak ${rateText(peak)}` : "peak –";
  at("chart-title").textContent = peak > 0
    ? `Hash rate over the last minute: now ${current > 0 ? rateText(current) : "idle"}, peak ${rateText(peak)}`
    : "Hash rate over the last minute: no mining yet";
}
setInterval(draw, SAMPLE_MS);
draw();

at("mine").addEventListener("click", async () => {
  if (mining) { mining.abort(); return; }
  mining = new AbortController();
  at("mine").textContent = "Stop";
  say("mine-say", "Mining …");
  try {
    const block = await ask("/mine", { method: "POST", signal: mining.signal });
    const took = block.elapsed_s < 1 ? `${(block.elapsed_s * 1000).toPrecision(3)} ms` : `${block.elapsed_s.toFixed(1)} s`;
    say("mine-say", `Block ${number(block.index)} forged: ${number(block.hashes)} hashes in ${took}`, "good");
    // A block that took less than a sample still shows on the chart.
    if (block.hashes_per_second) { current = block.hashes_per_second; draw(); current = 0; }
  } catch (error) {
    say("mine-say", error.name === "AbortError" ? "Stopped." : error.message, error.name === "AbortError" ? "" : "bad");
  }
  mining = null;
  at("mine").textContent = "Mine a block";
  refreshAll();
});
at("send").addEventListener("submit", async event => {
  event.preventDefault();
  const form = event.target;
  const fields = Object.fromEntries(new FormData(form));
  const body = {};
  for (const name of ["sender", "recipient"]) if (fields[name] !== "") body[name] = fields[name];
  const amount = fields.amount.trim();
  const digits = /^[0-9]{1,3}(,[0-9]{3})+$/.test(amount) ? amount.replaceAll(",", "") : amount;   // as this page writes them
  if (amount !== "") body.amount = /^[0-9]+$/.test(digits) ? Number(digits) : amount;
  try {
    const answer = await ask("/transactions/new", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
    });
    say("send-say", answer.message, "good");
    form.amount.value = "";
    form.amount.focus();
  } catch (error) { say("send-say", error.message, "bad"); }
  refreshPending();
});
