// SPDX-License-Identifier: MIT
// @ts-check
// Asking reporter-web: 2 s after the last answer, not while hidden or paused.
import { wait } from "./state.js";

const TIMEOUT_MS = 10000, KEPT = 12;

export class Refused extends Error {
	/** @param {number} status @param {string} message */
	constructor(status, message) {
		super(message);
		this.status = status;
	}
}

export class Api {
	/** @param {string} base */
	constructor(base) {
		this.base = base;
		/** @type {Map<string, {tag: string | null, data: any}>} */
		this.kept = new Map();
		this.offset = 0; // of the server's clock, seconds
	}

	/** The server's time.  */
	now() {
		return Date.now() / 1000 + this.offset;
	}

	/** What was answered last.  @param {string} path */
	last(path) {
		return this.kept.get(path)?.data;
	}

	/** @param {string} path @param {AbortSignal} signal */
	async get(path, signal) {
		const kept = this.kept.get(path);
		const answer = await fetch(this.base + "api/v1/" + path, { signal,
			cache: "no-store",
			headers: kept?.tag ? { "If-None-Match": kept.tag } : {} });
		const date = Date.parse(answer.headers.get("Date") || "") / 1000;

		/* Whole seconds: the least that is known not to be too late. */
		if (date > 0 && Math.abs(date + 0.5 - this.now()) > 1)
			this.offset = date + 0.5 - Date.now() / 1000;
		if (answer.status === 304 && kept)
			return kept.data;
		const data = await answer.json().catch(() => ({}));
		if (!answer.ok)
			throw new Refused(answer.status,
				String(data.error || answer.status));
		this.kept.delete(path);
		this.kept.set(path, { tag: answer.headers.get("ETag"), data });
		if (this.kept.size > KEPT)
			this.kept.delete(this.kept.keys().next().value || "");
		return data;
	}
}

export class Poll {
	/** @param {(signal: AbortSignal) => Promise<void>} ask
	 * @param {(error: any, retry_ms: number) => void} failed */
	constructor(ask, failed) {
		this.ask = ask;
		this.failed = failed;
		this.paused = false;
		this.failures = 0;
		this.timer = 0;
		/** @type {AbortController | null} */
		this.running = null;
		document.addEventListener("visibilitychange", () => {
			if (document.hidden)
				this.stop();
			else
				this.resume();
		});
	}

	stop() {
		clearTimeout(this.timer);
		this.running?.abort();
		this.running = null;
	}

	resume() {
		if (!this.paused && !document.hidden)
			this.now();
	}

	/** @param {boolean} paused */
	pause(paused) {
		this.paused = paused;
		if (paused)
			this.stop();
		else
			this.resume();
	}

	/** Ask now, even if paused. */
	async now() {
		this.stop();
		const running = this.running = new AbortController();
		const late = setTimeout(() => running.abort(), TIMEOUT_MS);
		/** @type {any} */
		let error = null;

		try {
			await this.ask(running.signal);
		} catch (e) {
			error = e;
		}
		clearTimeout(late);
		if (this.running !== running)
			return; /* another one has begun, or all ended */
		this.running = null;
		const refused = error instanceof Refused && error.status < 500;
		this.failures = error === null || refused ? 0 : this.failures + 1;
		const ms = wait(this.failures, Math.random());
		if (error !== null)
			this.failed(error, ms);
		if (!this.paused && !document.hidden)
			this.timer = setTimeout(() => this.now(), ms);
	}
}
