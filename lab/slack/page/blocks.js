// Block Kit and attachments as elements. Unknown kinds are named rather than dropped.

import { element, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { mrkdwn, plain, unescape } from "./mrkdwn.js";

export function blocks(list, names) {
  return list.map((block) => (RENDER[block.type] ?? unknown)(block, names));
}

export function attachment(given, names) {
  const box = element("div", { class: "attachment" });
  if (/^#?[0-9a-f]{3,8}$/i.test(given.color ?? "")) {
    box.style.borderLeftColor = `#${given.color.replace("#", "")}`;
  }
  if (given.blocks?.length) {
    box.append(...blocks(given.blocks, names));
    return box;
  }
  const formatted = (text) => element("div", { class: "text" }, mrkdwn(String(text), { names }));
  if (given.pretext) box.append(formatted(given.pretext));
  if (given.author_name) box.append(element("div", { class: "footer" }, plain(given.author_name)));
  if (given.title) {
    box.append(element("div", { class: "title" }, link(given.title_link ?? "", plain(given.title))));
  }
  if (given.text) box.append(formatted(given.text));
  if (given.fields?.length) {
    const cells = given.fields.map((field) => element("div", {}, element("b", {}, plain(field.title ?? "")), formatted(field.value ?? "")));
    box.append(element("div", { class: "fields" }, ...cells));
  }
  if (given.footer) box.append(element("div", { class: "footer" }, plain(given.footer)));
  return box;
}

function textObject(object, names) {
  if (object?.type === "mrkdwn") {
    return mrkdwn(object.text, { names, verbatim: object.verbatim });
  }
  return document.createTextNode(plain(object?.text ?? ""));
}

const RENDER = {
  header: (block, names) => element("div", { class: "block header" }, textObject(block.text, names)),
  divider: () => element("hr", { class: "block divider" }),
  section: (block, names) => {
    const main = element("div", { class: "main" });
    if (block.text) main.append(element("div", { class: "text" }, textObject(block.text, names)));
    if (block.fields) {
      const cells = block.fields.map((field) => element("div", { class: "text" }, textObject(field, names)));
      main.append(element("div", { class: "fields" }, ...cells));
    }
    const accessory = block.accessory ? interactive(block.accessory) : null;
    return element("div", { class: "block section" }, main, accessory);
  },
  context: (block, names) => {
    const parts = block.elements.map((part) =>
      part.type === "image" ? image(part) : element("span", { class: "text" }, textObject(part, names)),
    );
    return element("div", { class: "block context" }, ...parts);
  },
  actions: (block) => element("div", { class: "block actions" }, ...block.elements.map(interactive)),
  image: (block) => element("div", { class: "block" }, image(block)),
  markdown: (block) => element("div", { class: "block text" }, plain(block.text)),
  rich_text: (block) => element("div", { class: "block text" }, ...block.elements.map(richPart)),
};

function unknown(block) {
  return element("div", { class: "block image" }, `${block.type} block`);
}

function interactive(part) {
  if (part.type === "image") return image(part);
  const label = part.text?.text ?? part.placeholder?.text ?? part.type.replaceAll("_", " ");
  return link(part.url ?? "", plain(label), `button ${part.style ?? ""}`.trim());
}

// Images are described, not loaded: the page loads nothing from elsewhere.
function image(part) {
  const title = part.title?.text ?? part.alt_text;
  return element("span", { class: "image" }, "🖼 ", link(part.image_url ?? "", plain(title)));
}

function richPart(part) {
  const inner = (part.elements ?? []).map((leaf) => (leaf.elements ? richPart(leaf) : richLeaf(leaf)));
  if (part.type === "rich_text_preformatted") return element("pre", {}, ...inner);
  if (part.type === "rich_text_quote") return element("blockquote", {}, ...inner);
  if (part.type === "rich_text_list") {
    const tag = part.style === "ordered" ? "ol" : "ul";
    return element(tag, {}, ...inner.map((item) => element("li", {}, item)));
  }
  return element("div", {}, ...inner);
}

function richLeaf(leaf) {
  const style = leaf.style ?? {};
  if (leaf.type === "emoji") return document.createTextNode(emoji(leaf.name ?? ""));
  const text = unescape(leaf.text ?? leaf.url ?? leaf.user_id ?? leaf.range ?? "");
  let made = leaf.type === "link" ? link(leaf.url ?? "", text) : document.createTextNode(text);
  for (const [name, tag] of [["bold", "b"], ["italic", "i"], ["strike", "s"], ["code", "code"]]) {
    if (style[name]) made = element(tag, {}, made);
  }
  return made;
}
