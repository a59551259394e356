// SPDX-License-Identifier: MIT
// @ts-check
// Figures, times and charts as text.  Pure: the language is an argument.

export const count = (n, lang = "en") =>
	n == null ? "–" : Math.round(n).toLocaleString(lang);

// Six characters at most: 0, 0.4, 999, 6.7 k, 81.0 k, 1.2 M.
export function short(n, digits = Number.isInteger(n) ? 0 : 1) {
	if (n == null)
		return "–";
	const i = [1e9, 1e6, 1e3].findIndex((size) => n >= size * 0.99995);
	const m = n / [1e9, 1e6, 1e3, 1][i < 0 ? 3 : i];

	if (i >= 0)
		return m.toFixed(m >= 99.95 ? 0 : 1) + " " + "GMk"[i];
	return n.toFixed(n >= 99.95 ? 0 : digits);
}

export function percent(share) {
	if (share == null)
		return "–";
	if (share > 0 && share < 0.001)
		return "<0.1";
	return share >= 0.9995 ? "100" : (share * 100).toFixed(1);
}

// In the largest unit that makes it 1 or more, rounded; exact: below 10 minutes
// and below a day in two units.
export function duration(seconds, t, exact = false) {
	if (seconds == null)
		return "–";
	const s = Math.max(0, Math.floor(seconds));
	const i = s < 60 ? 0 : s < 3600 ? 1 : s < 86400 ? 2 : 3;
	const size = [1, 60, 3600, 86400], unit = ["s", "min", "h", "d"];
	const two = exact && (i === 2 || (i === 1 && s < 600));
	const rest = two ? Math.floor(s % size[i] / size[i - 1]) : 0;

	return Math[two ? "floor" : "round"](s / size[i]) + " " + t(unit[i]) +
		(rest ? " " + rest + " " + t(unit[i - 1]) : "");
}

// Local time; with the date if that is far from now.  Seconds since 1970.
export function clock(seconds, now, minutes = false) {
	if (seconds == null)
		return "–";
	const d = new Date(seconds * 1000);
	const two = (n) => String(n).padStart(2, "0");
	const day = Math.abs(now - seconds) <= 72000 ? "" :
		two(d.getMonth() + 1) + "-" + two(d.getDate()) + " ";

	return day + two(d.getHours()) + ":" + two(d.getMinutes()) +
		(minutes ? "" : ":" + two(d.getSeconds()));
}

// A line in a box of 120 x height through values (-1: a gap), the newest last.
// max: the value at the top; room: how many values fill the width.
export function lines(values, height, max, room) {
	const first = room - values.length;
	let path = "";

	values.forEach((v, i) => {
		if (v < 0)
			return;
		path += (values[i - 1] >= 0 ? "L" : "M") +
			((first + i + 0.5) * 120 / room).toFixed(1) + " " +
			(height - 1 - Math.min(v / max, 1) * (height - 2)).toFixed(1);
		if (!(values[i - 1] >= 0) && !(values[i + 1] >= 0))
			path += "h.1";
	});
	return path;
}

const box = (x, w, height) =>
	`M${x.toFixed(1)} 0h${w.toFixed(1)}v${height}h-${w.toFixed(1)}z`;

// Boxes where a count is over 0.
export function bands(values, height, room) {
	const first = room - values.length, w = 120 / room;
	let path = "";

	for (let i = 0; i < values.length; i++) {
		const begin = i;

		while (values[i] > 0)
			i++;
		if (i > begin)
			path += box((first + begin) * w, (i - begin) * w, height);
	}
	return path;
}

// Boxes while a server was overloaded, in the last seconds.  flips: of it, the
// oldest first, known from begin on; since: overloaded since, null: it is not.
export function spans(flips, begin, since, now, seconds, height) {
	const first = now - seconds;
	let path = "", from = begin;
	const add = (start, end) => {
		const x = Math.max(0, start - first) * 120 / seconds;

		if (end > first)
			path += box(x, Math.max(1, (end - first) * 120 / seconds - x),
				height);
	};

	for (const flip of flips) {
		if (!flip.overloaded)
			add(from, flip.time);
		from = flip.time;
	}
	if (since != null)
		add(since, now);
	return path;
}
