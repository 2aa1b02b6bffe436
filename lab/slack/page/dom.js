// Making elements. Text only ever enters the document through text nodes: nothing parses it as HTML.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== "") made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// A link, or its label alone where the address is not one to follow.
export function link(address, label, style = "") {
  const children = Array.isArray(label) ? label : [label];
  if (!/^(https?:\/\/|mailto:)/i.test(address)) {
    return element("span", { class: style }, ...children);
  }
  const attributes = { href: address, target: "_blank", rel: "noopener noreferrer", class: style };
  return element("a", attributes, ...children);
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}

export function day(seconds) {
  const options = { weekday: "long", day: "numeric", month: "long" };
  const named = (date) => date.toLocaleDateString("en", options);
  const wanted = named(new Date(seconds * 1000));
  return wanted === named(new Date()) ? "Today" : wanted;
}
