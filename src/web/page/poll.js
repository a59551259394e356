// SPDX-License-Identifier: MIT
// @ts-check
// Asking reporter-web: 2 s after the last answer, not while hidden or paused.
import { wait } from "./state.js";

const TIMEOUT_MS = 10000, KEPT = 12;

export class Api {
	constructor(base) {
		this.base = base + "api/v1/";
		this.kept = new Map(); // answers by path
		this.offset = 0;       // of the server's clock, seconds
	}

	// The server's time, seconds since 1970.
	now() {
		return Date.now() / 1000 + this.offset;
	}

	// What was answered last.
	last(path) {
		return this.kept.get(path)?.data;
	}

	async get(path, signal) {
		const kept = this.kept.get(path);
		const answer = await fetch(this.base + path, { signal, cache: "no-store",
			headers: kept?.tag ? { "If-None-Match": kept.tag } : {} });
		const date = Date.parse(answer.headers.get("Date") || "") / 1000 + 0.5;

		/* The header has whole seconds. */
		if (Math.abs(date - this.now()) > 1)
			this.offset = date - Date.now() / 1000;
		if (answer.status === 304)
			return kept.data;
		const data = await answer.json().catch(() => ({}));
		if (!answer.ok)
			throw Object.assign(new Error(data.error || answer.status),
				{ status: answer.status });
		this.kept.delete(path);
		this.kept.set(path, { tag: answer.headers.get("ETag"), data });
		if (this.kept.size > KEPT)
			this.kept.delete(this.kept.keys().next().value);
		return data;
	}
}

export class Poll {
	// ask(signal) asks once; failed(error, ms): ms until the next try.
	constructor(ask, failed) {
		this.ask = ask;
		this.failed = failed;
		this.paused = false;
		this.failures = this.timer = 0;
		this.running = /** @type {any} */ (null);
		document.addEventListener("visibilitychange", () => this.resume());
	}

	stop() {
		clearTimeout(this.timer);
		this.running?.abort();
		this.running = null;
	}

	get idle() {
		return this.paused || document.hidden;
	}

	resume() {
		if (this.idle)
			this.stop();
		else
			this.now();
	}

	// Ask now, even if paused.
	async now() {
		this.stop();
		const running = this.running = new AbortController();
		const late = setTimeout(() => running.abort(), TIMEOUT_MS);
		const error = await this.ask(running.signal).then(() => null, (e) => e);

		clearTimeout(late);
		if (this.running !== running)
			return; /* stopped, or asked again */
		this.running = null;
		this.failures = error && !(error.status < 500) ? this.failures + 1 : 0;
		const ms = wait(this.failures, Math.random());
		if (error)
			this.failed(error, ms);
		if (!this.idle)
			this.timer = setTimeout(() => this.now(), ms);
	}
}
