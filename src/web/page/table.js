// SPDX-License-Identifier: MIT
// @ts-check
// Elements, and tables that are changed in place.  Data becomes text nodes only.

/** An element.  Attributes that are null or false are left out.
 * @param {string} tag @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null | undefined)} children */
export function h(tag, attributes = {}, ...children) {
	const e = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes))
		if (typeof value === "function")
			e.addEventListener(name, value);
		else if (value != null && value !== false)
			e.setAttribute(name, value === true ? "" : String(value));
	e.append(...children.filter((c) => c != null));
	return e;
}

/** @param {Element} e @param {string} name @param {any} value null: none */
export function attribute(e, name, value) {
	if (value == null)
		e.removeAttribute(name);
	else if (e.getAttribute(name) !== String(value))
		e.setAttribute(name, String(value));
}

/** @param {Node} e @param {string | number} value */
export function text(e, value) {
	const s = String(value);

	if (e.textContent !== s)
		e.textContent = s;
}

/** The n-th child, made when it is missing.
 * @param {Element} e @param {number} n @param {string} tag
 * @param {string} [kind] its class */
export function child(e, n, tag, kind) {
	while (e.children.length <= n)
		e.append(h(tag, { class: kind }));
	return /** @type {HTMLElement} */ (e.children[n]);
}

/** Make the children of e those of the list, moving as few as possible.
 * @param {Element} e @param {Element[]} list */
export function arrange(e, list) {
	const keep = new Set(list);

	for (const c of [...e.children])
		if (!keep.has(c))
			c.remove();
	list.forEach((c, i) => {
		if (e.children[i] !== c)
			e.insertBefore(c, e.children[i] || null);
	});
}

const SVG = "http://www.w3.org/2000/svg";

/** A chart of paths in a box of 120 x height.
 * @param {Element} e @param {number} height
 * @param {Record<string, string>} paths by class @param {string} label */
export function chart(e, height, paths, label) {
	let svg = e.querySelector("svg");

	if (svg === null) {
		svg = document.createElementNS(SVG, "svg");
		svg.setAttribute("viewBox", `0 0 120 ${height}`);
		svg.setAttribute("preserveAspectRatio", "none");
		svg.setAttribute("role", "img");
		for (const name of Object.keys(paths)) {
			const path = document.createElementNS(SVG, "path");

			path.setAttribute("class", name);
			svg.append(path);
		}
		e.append(svg);
	}
	attribute(svg, "aria-label", label);
	Object.values(paths).forEach((d, i) =>
		attribute(/** @type {SVGElement} */ (svg).children[i], "d", d));
}

/**
 * @typedef {Record<string, any>} Row
 * @typedef {{name: string, head: string, kind?: string, title?: string,
 *   sort?: string, draw: (td: HTMLElement, row: Row) => void}} Column
 */

/** Rows of an answer as objects.  @param {string[]} names @param {any[][]} rows
 * @returns {Row[]} */
export const objects = (names, rows) => rows.map((r) =>
	Object.fromEntries(names.map((name, i) => [name, r[i]])));

export class Table {
	/** @param {string} caption @param {Column[]} columns
	 * @param {(sort: string) => void} [sort] */
	constructor(caption, columns, sort) {
		this.columns = columns;
		/** @type {Map<string, HTMLElement[]>} rows by key: one or two each */
		this.rows = new Map();
		this.body = h("tbody");
		this.heads = columns.map((c) => h("th",
			{ scope: "col", class: c.name + " " + (c.kind || ""),
				title: c.title },
			c.sort && sort ? h("button", { type: "button",
				click: () => sort(/** @type {string} */ (c.sort)) },
				c.head) : c.head));
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

	/** Whether rows must keep their places. */
	get held() {
		return this.pointed || this.body.contains(document.activeElement);
	}

	/** @param {string} sort */
	sorted(sort) {
		this.columns.forEach((c, i) => attribute(this.heads[i], "aria-sort",
			c.sort === undefined ? null : c.sort !== sort ? "none" :
				sort === "number" ? "ascending" : "descending"));
	}

	/** @param {string} key @param {Row | undefined} row undefined: nothing new
	 * @param {((cell: HTMLElement, row: Row) => void) | null} [below]
	 * what draws a second row */
	draw(key, row, below) {
		let trs = this.rows.get(key);

		if (trs === undefined) {
			trs = [h("tr", { "data-key": key }, ...this.columns.map((c) =>
				h("td", { class: c.name + " " + (c.kind || "") })))];
			this.rows.set(key, trs);
		}
		trs[0].classList.toggle("gone", row === undefined);
		if (row === undefined)
			return;
		attribute(trs[0], "data-state", row.state);
		this.columns.forEach((c, i) => c.draw(
			/** @type {HTMLElement} */ (/** @type {any} */ (trs)[0].children[i]),
			row));
		if (below && trs.length === 1)
			trs.push(h("tr", { class: "below" },
				h("td", { colspan: this.columns.length })));
		else if (!below)
			trs.length = 1;
		if (below)
			below(/** @type {HTMLElement} */ (trs[1].firstElementChild), row);
	}

	/** Show these rows, and forget others.  @param {string[]} keys */
	show(keys) {
		const keep = new Set(keys);

		for (const key of this.rows.keys())
			if (!keep.has(key))
				this.rows.delete(key);
		arrange(this.body, keys.flatMap((key) => this.rows.get(key) || []));
	}

	/** Draw all, in this order; for tables that may.  @param {Row[]} rows
	 * @param {(row: Row) => string} key */
	draw_all(rows, key) {
		rows.forEach((row) => this.draw(key(row), row));
		this.show(rows.map(key));
	}

	/** Move the focus among rows.  @param {number} step
	 * @param {string} [from] the key to begin at */
	step(step, from) {
		const own = /** @type {HTMLElement[]} */ (
			[...this.body.querySelectorAll("a.main")]);
		const at = own.findIndex((a) => a === document.activeElement);
		const begin = own.findIndex((a) =>
			a.closest("tr")?.dataset.key === from);
		const to = at >= 0 ? at + step : begin >= 0 ? begin :
			step > 0 ? 0 : own.length - 1;

		own[Math.max(0, Math.min(to, own.length - 1))]?.focus();
	}
}
