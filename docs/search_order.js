// Guides come first, above all those with a searched word in their title, and pages about the project last.
const stems = (text) => splitQuery(text.toLowerCase()).map((word) => new Stemmer().stemWord(String(word)));

Scorer.score = ([page, title, , , score]) => {
  if (/^(changelog|contributing|security|guides\/(how-a-call-works|upgrading|migrating|versions))$/.test(page)) return score - 20;
  if (!page.startsWith("guides/")) return score + (page === "index" ? 2 : 0);
  const query = new URLSearchParams(location.search).get("q");
  const named = stems(title.split(" > ")[0]);
  return score + 1 + (stems(query).some((word) => named.includes(word)) ? 10 : 0);
};
