// SPDX-License-Identifier: MIT
// @ts-check
// Elements, and tables that are changed in place.  Data becomes text nodes only.

// An element; a function is a listener, null and false leave an attribute out.
export function h(tag, attributes = {}, ...children) {
	const e = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes))
		if (typeof value === "function")
			e.addEventListener(name, value);
		else if (value != null && value !== false)
			e.setAttribute(name, value);
	e.append(...children);
	return e;
}

export function attribute(e, name, value) {
	if (value == null)
		e.removeAttribute(name);
	else if (e.getAttribute(name) !== String(value))
		e.setAttribute(name, value);
}

export function text(e, value) {
	if (e.textContent !== String(value))
		e.textContent = value;
}

// The n-th child, made when it is missing, a blank apart from the one before.
export function child(e, n, tag, kind) {
	while (e.children.length <= n)
		e.append(n > 0 ? " " : "", h(tag, { class: kind }));
	return e.children[n];
}

// A child with text.
export const put = (e, n, tag, value, kind) =>
	text(child(e, n, tag, kind), value);

// A column of a table that shows a value.
export const column = (name, head, value) =>
	({ name, head, draw: (td, row) => text(td, value(row)) });

const SVG = "http://www.w3.org/2000/svg";

// A chart in a box of 120 x height; paths by class.
export function chart(e, height, paths, label) {
	if (!e.firstElementChild) {
		const svg = document.createElementNS(SVG, "svg");

		attribute(svg, "viewBox", "0 0 120 " + height);
		attribute(svg, "preserveAspectRatio", "none");
		attribute(svg, "role", "img");
		for (const name of Object.keys(paths)) {
			const path = document.createElementNS(SVG, "path");

			attribute(path, "class", name);
			svg.append(path);
		}
		e.append(svg);
	}
	attribute(e.firstElementChild, "aria-label", label);
	Object.values(paths).forEach((d, i) =>
		attribute(e.firstElementChild.children[i], "d", d));
}

// Rows of an answer as objects.
export const objects = ({ columns, rows }) => rows.map((r) =>
	Object.fromEntries(columns.map((name, i) => [name, r[i]])));

// Columns are {name, head, draw(cell, row), sort, title}.
export class Table {
	constructor(caption, columns, sort) {
		this.columns = columns;
		this.rows = new Map(); // by key: one or two elements each
		this.body = h("tbody");
		this.heads = columns.map((c) => h("th", { scope: "col", class: c.name,
			title: c.title }, sort && c.sort ? h("button",
			{ type: "button", click: () => sort(c.sort) }, c.head) : c.head));
		this.element = h("table", {}, h("caption", { class: "away" }, caption),
			h("thead", {}, h("tr", {}, ...this.heads)), this.body);
		this.pointed = false;
		this.element.addEventListener("pointerover", (e) => {
			this.pointed = e.pointerType !== "touch";
		});
		this.element.addEventListener("pointerleave", () => {
			this.pointed = false;
		});
	}

	// Whether rows must keep their places.
	get held() {
		return this.pointed || this.element.contains(document.activeElement);
	}

	sorted(sort) {
		this.columns.forEach((c, i) => attribute(this.heads[i], "aria-sort",
			c.sort !== sort ? null : sort === "number" ? "ascending" :
				"descending"));
	}

	// row: undefined if it is not known any more; below: draws a second row.
	draw(key, row, below) {
		let trs = this.rows.get(key);

		if (!trs) {
			trs = [h("tr", { "data-key": key }, ...this.columns.map((c) =>
				h("td", { class: c.name })))];
			this.rows.set(key, trs);
		}
		trs[0].classList.toggle("gone", !row);
		if (!row)
			return;
		attribute(trs[0], "data-state", row.state);
		this.columns.forEach((c, i) => c.draw(trs[0].children[i], row));
		if (!below)
			trs.length = 1;
		else if (trs.length === 1)
			trs.push(h("tr", { class: "below" }, h("td")));
		if (below)
			below(trs[1].firstElementChild, row);
	}

	// Show these rows, moving as few as possible, and forget others.
	show(keys) {
		const wanted = keys.flatMap((key) => this.rows.get(key));
		const keep = new Set(wanted);
		const width = this.heads.filter((e) =>
			getComputedStyle(e).display !== "none").length;

		for (const e of [...this.body.children])
			if (!keep.has(e))
				e.remove();
		wanted.forEach((e, i) => {
			if (this.body.children[i] !== e)
				this.body.insertBefore(e, this.body.children[i] || null);
			if (e.className === "below")
				attribute(e.firstElementChild, "colspan", width);
		});
		for (const [key, [e]] of this.rows)
			if (!keep.has(e))
				this.rows.delete(key);
	}

	// Draw and show all of these, in this order.
	draw_all(rows, key) {
		rows.forEach((row) => this.draw(key(row), row));
		this.show(rows.map(key));
	}

	// Move the focus among rows, from the one that has it, else to a key.
	step(step, key) {
		const links = [...this.body.querySelectorAll("a.main")];
		const at = links.indexOf(/** @type {any} */ (document.activeElement));
		const to = at >= 0 ? at + step : Math.max(0, links.findIndex((a) =>
			a.closest("tr")?.dataset.key === key));

		links[Math.max(0, Math.min(to, links.length - 1))]?.focus();
	}
}
