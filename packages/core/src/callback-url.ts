/** Our callback URLs in a vendor's text. A vendor may quote one, and its token must stay secret (D7). */

/** Characters between which a text can quote a URL. */
const WORD = /[^\s"'<>]+/g;

/** Replaces each callback URL. One pattern of the whole URL would start again at every "http://": many of them would take minutes. */
export function replaceCallbackUrls(text: string, by: string): string {
  if (!/\/callbacks\//i.test(text)) return text;
  return text.replace(WORD, (word) => {
    const scheme = /https?:\/\//i.exec(word);
    if (!scheme) return word;
    const path = word.slice(scheme.index + scheme[0].length).toLowerCase();
    return path.includes("/callbacks/") ? word.slice(0, scheme.index) + by : word;
  });
}
