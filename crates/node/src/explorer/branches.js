// The last blocks as a tree: the active branch below, side branches above it. For those who do not see it, the same as a list.
const HEIGHTS = 12, LANES = 5, STEP = 27, LANE = 26, EDGE = 16;
const drawn = (tag, attributes, kind) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (kind) element.setAttribute("class", kind);
  return element;
};
// Gives each side block a lane: its parent's, if it is the first to follow it there, else the lowest that is free.
function lanesOf(blocks) {
  const lanes = new Map(), ends = [];   // ends: of each lane, the hash and the index of its last block
  for (const block of blocks) {
    if (block.active) { lanes.set(block.hash, 0); continue; }
    const parents = lanes.get(block.previous_hash);
    let lane = parents;
    if (!(parents > 0 && ends[parents].hash === block.previous_hash)) {
      for (lane = 1; ends[lane] && ends[lane].index >= block.index - 1;) lane++;
    }
    ends[lane] = block;
    lanes.set(block.hash, lane);
  }
  return lanes;
}
function picture(blocks) {
  const lanes = lanesOf(blocks);
  const shown = blocks.filter(block => lanes.get(block.hash) <= LANES);
  const lowest = blocks[0].index;
  const columns = Math.max(HEIGHTS, blocks.at(-1).index - lowest + 1);
  const rows = Math.max(...shown.map(block => lanes.get(block.hash)));
  const width = columns * STEP + EDGE, height = rows * LANE + 42;
  const x = index => EDGE + STEP / 2 + (index - lowest) * STEP;
  const y = hash => height - 30 - lanes.get(hash) * LANE;
  const edges = drawn("g", {}), nodes = drawn("g", {});
  for (const block of shown) {
    const [to, height] = [x(block.index), y(block.hash)];
    const begin = lanes.has(block.previous_hash) ? y(block.previous_hash) : height;
    const from = block.index === 1 ? to : to - STEP, middle = (from + to) / 2;
    edges.append(drawn("path", { d: `M${from} ${begin}C${middle} ${begin} ${middle} ${height} ${to} ${height}` },
      block.active ? "edge" : "edge aside"));
    const node = drawn("rect", { x: to - 8, y: height - 8, width: 16, height: 16, rx: 4 }, block.active ? "node" : "node aside");
    node.dataset.hash = block.hash;
    nodes.append(node);
  }
  // As many numbers as there is room for, the newest among them.
  const active = shown.filter(block => block.active);
  const each = Math.ceil((String(active.at(-1).index).length * 7 + 6) / STEP);
  active.reverse().forEach((block, place) => {
    if (place % each) return;
    const label = drawn("text", { x: x(block.index), y: height - 6, "text-anchor": "middle" });
    label.textContent = block.index;
    nodes.append(label);
  });
  at("tree").setAttribute("viewBox", `0 0 ${width} ${height}`);
  at("tree").replaceChildren(at("tree-title"), edges, nodes);
}
// The side branches: each block that no other names, and how far down it is aside.
function branchesOf(blocks) {
  const by = new Map(blocks.map(block => [block.hash, block]));
  const parents = new Set(blocks.map(block => block.previous_hash));
  return blocks.filter(block => !block.active && !parents.has(block.hash)).map(tip => {
    let low = tip;
    while (by.has(low.previous_hash) && !by.get(low.previous_hash).active) low = by.get(low.previous_hash);
    return { tip, from: low.index - 1, count: tip.index - low.index + 1, cut: !by.has(low.previous_hash) };
  });
}
const refreshTree = calm(async () => {
  const { blocks, length, whole } = await ask(`/tree?last=${HEIGHTS}`);
  picture(blocks);
  const branches = branchesOf(blocks);
  const lowest = blocks[0].index;
  const active = `Active branch: blocks ${number(lowest)} to ${number(length)}`;
  const aside = branches.length === 0 ? "no side branch" : plural(branches.length, "side branch", "side branches");
  at("tree-title").textContent = `The last blocks as a tree. ${active}; ${aside}${whole ? "" : " and more"}.`;
  const first = make("li", `${active}, `);
  first.append(link("the newest", `#block/${length}`));
  at("branches").replaceChildren(first, ...branches.map(({ tip, from, count, cut }) => {
    const li = make("li", cut ? "Side branch that leaves it below these, ends with "
      : `Side branch of ${plural(count, "block")}, leaves it after block ${number(from)}, ends with `);
    li.append(link(`block ${number(tip.index)}, ${tip.hash.slice(0, 12)}…`, `#block/${tip.hash}`));
    return li;
  }), ...whole ? [] : [make("li", "and more that are not shown")]);
});
// For the mouse; the list has the same as links.
at("tree").addEventListener("click", event => {
  const hash = event.target.dataset?.hash;
  if (hash) go(`#block/${hash}`);
});
