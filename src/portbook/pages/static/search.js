// Searches the names file of an exported book, where no server can be asked.
// A number leads to its page; every word has to fit, and a slip of the pen is forgiven.

const box = document.getElementById("found");
const table = document.getElementById("matches");
const most = Number(box.dataset.most);
const text = (new URLSearchParams(location.search).get("q") ?? "").trim().slice(0, 100);

// What a match is worth: the whole name, its beginning; a whole word and its beginning, by where
// the word stands; letters inside of a name.
const WHOLE = 100;
const BEGINS = 90;
const WORD = { name: [80, 75], description: [70, 65], product: [50, 45] };
const INSIDE = 40;

function words(phrase) {
  return phrase.toLowerCase().normalize("NFC").split(/[^\p{L}\p{N}]+/u).filter(Boolean);
}

function say(which, count) {
  for (const line of box.querySelectorAll("[data-say]")) {
    line.hidden = line.dataset.say !== which;
    if (!line.hidden) {
      const filled = { text, count: String(count ?? "") };
      line.textContent = line.textContent.replace(/\{(text|count)\}/g, (_, name) => filled[name]);
    }
  }
}

function pageOf(port) {
  return `${box.dataset.base}${port}${box.dataset.ext}`;
}

/** Every service and product as { port, name, about, kind, words }. */
function entries(file) {
  const found = [];
  let port = 0;
  file.steps.forEach((step, at) => {
    port += step;
    const name = file.services[at];
    const about = file.about[at];
    found.push({ port, name, about, kind: "name", words: words(name), others: words(about) });
  });
  file.products.forEach((name, at) => {
    for (const on of file.on[at]) {
      found.push({ port: on, name, about: null, kind: "product", words: words(name), others: [] });
    }
  });
  return found;
}

/** How well one term fits an entry, 0 for not at all. */
function fit(term, entry) {
  let best = entry.words.join("-").includes(term) ? INSIDE : 0;
  for (const [kind, those] of [[entry.kind, entry.words], ["description", entry.others]]) {
    for (const word of those) {
      if (word === term) best = Math.max(best, WORD[kind][0]);
      else if (word.startsWith(term)) best = Math.max(best, WORD[kind][1]);
    }
  }
  return best;
}

function score(terms, entry) {
  const phrase = terms.join("-");
  const whole = entry.words.join("-");
  if (entry.kind === "name" && phrase === whole) return WHOLE;
  if (entry.kind === "name" && whole.startsWith(phrase)) return BEGINS;
  return Math.min(...terms.map((term) => fit(term, entry)));
}

function ranked(terms, all) {
  return all
    .map((entry) => ({ entry, score: score(terms, entry) }))
    .filter((each) => each.score > 0)
    .sort((a, b) => b.score - a.score || a.entry.words.length - b.entry.words.length
      || a.entry.port - b.entry.port);
}

/** Letters added, dropped, changed or swapped between two words; more than `limit` is Infinity. */
function slips(one, other, limit) {
  if (Math.abs(one.length - other.length) > limit) return Infinity;
  let before = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row += 1) {
    const line = [row];
    for (let at = 1; at <= other.length; at += 1) {
      const same = one[row - 1] === other[at - 1];
      let cost = Math.min(last[at] + 1, line[at - 1] + 1, last[at - 1] + (same ? 0 : 1));
      if (row > 1 && at > 1 && one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1]) {
        cost = Math.min(cost, before[at - 2] + 1);
      }
      line.push(cost);
    }
    if (Math.min(...line) > limit) return Infinity;
    before = last;
    last = line;
  }
  return last[other.length] <= limit ? last[other.length] : Infinity;
}

/** The terms with each one that fits nothing read as the word that is nearest to it. */
function corrected(terms, all) {
  const known = new Set(all.flatMap((entry) => [...entry.words, ...entry.others]));
  const joined = [...known].join(" ");
  return terms.map((term) => {
    if (joined.includes(term) || term.length < 4) return term;
    const limit = term.length < 8 ? 1 : 2;
    let nearest = term;
    let fewest = Infinity;
    for (const word of known) {
      const count = slips(term, word, limit);
      if (count < fewest) [nearest, fewest] = [word, count];
    }
    return nearest;
  });
}

function show(found) {
  const rows = found.slice(0, most).map(({ entry }) => {
    const row = document.createElement("tr");
    const link = document.createElement("a");
    link.href = pageOf(entry.port);
    link.textContent = String(entry.port);
    const number = row.insertCell();
    number.className = "n";
    number.append(link);
    row.insertCell().textContent = entry.name;
    const about = row.insertCell();
    about.textContent = entry.about ?? document.getElementById("unregistered").textContent;
    if (entry.about !== null) about.lang = "en";
    return row;
  });
  table.querySelector("tbody").replaceChildren(...rows);
  table.hidden = rows.length === 0;
}

async function search() {
  const number = /^:?([0-9]{1,12})(?:\s*[/ ]\s*(?:tcp|udp|sctp|dccp))?$/i.exec(text);
  if (number && Number(number[1]) <= 65535) {
    location.replace(pageOf(Number(number[1])));
    return;
  }
  if (number) {
    say("beyond");
    return;
  }
  const terms = words(text);
  const answer = await fetch(box.dataset.names);
  if (!answer.ok) throw new Error(String(answer.status));
  const all = entries(await answer.json());
  let found = terms.length ? ranked(terms, all) : [];
  let which = found.length > most ? "most" : found.length === 1 ? "one" : "many";
  if (terms.length && !found.length) {
    found = ranked(corrected(terms, all), all);
    which = "fuzzy";
  }
  say(found.length ? which : "none", Math.min(found.length, most));
  show(found);
}

document.getElementById("unscripted").remove();
if (text) {
  document.getElementById("find").value = text;
  search().catch(() => say("failed"));
}
