// Live notifications. EventSource cannot send the session's token, so the stream is read with fetch.

import { send } from "./api.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;

export class LiveStream {
  constructor({ onNotification, onState }) {
    this.onNotification = onNotification;
    this.onState = onState;
    this.aborter = null;
  }

  start() {
    this.stop();
    this.aborter = new AbortController();
    this.run(this.aborter.signal);
  }

  stop() {
    this.aborter?.abort();
    this.aborter = null;
  }

  async run(signal) {
    let pause = FIRST_PAUSE;
    while (!signal.aborted) {
      try {
        const response = await send("GET", "/notifications/stream", undefined, { accept: "text/event-stream" }, signal);
        this.onState("live");
        pause = FIRST_PAUSE;
        await this.read(response.body.getReader());
      } catch (error) {
        if (signal.aborted || error.status === 401) return;
      }
      if (signal.aborted) return;
      this.onState("lost");
      // Spread out, so that a site that comes back is not met by everybody at once.
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  async read(reader) {
    const decoder = new TextDecoder();
    let pending = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      pending += decoder.decode(value, { stream: true }).replaceAll("\r", "");
      const blocks = pending.split("\n\n");
      pending = blocks.pop();
      for (const block of blocks) this.dispatch(block);
    }
  }

  dispatch(block) {
    let event = "message";
    const data = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) event = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).trim());
    }
    if (event === "notification" && data.length) this.onNotification(JSON.parse(data.join("\n")));
  }
}
