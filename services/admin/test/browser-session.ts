/** A browser without a screen: keeps the cookie, sends the CSRF header, reads the event stream. */
export class BrowserSession {
  #cookie = '';
  #csrf = '';

  constructor(readonly url: string) {}

  async fetch(path: string, init: RequestInit & { headers?: Record<string, string> } = {}) {
    const headers = { cookie: this.#cookie, 'x-csrf-token': this.#csrf, ...init.headers };
    return await fetch(`${this.url}${path}`, { redirect: 'manual', ...init, headers });
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}) {
    return this.fetch(path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  /** Signs in and answers the response; on success the session is kept. */
  async login(token: string): Promise<Response> {
    const response = await this.post('/api/session', { token });
    this.#cookie = (response.headers.get('set-cookie') ?? this.#cookie).split(';')[0] ?? '';
    const who = await this.fetch('/api/session');
    if (who.ok) this.#csrf = ((await who.json()) as { csrfToken: string }).csrfToken;
    return response;
  }

  async snapshot(): Promise<SnapshotJson> {
    const response = await this.fetch('/api/snapshot');
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as SnapshotJson;
  }

  /** The events of the stream, until it ends. */
  async *stream(signal?: AbortSignal): AsyncGenerator<{ event: string; data: SnapshotJson }> {
    const response = await this.fetch('/api/stream', signal === undefined ? {} : { signal });
    if (response.status !== 200 || response.body === null) throw new Error(`${response.status}`);
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1];
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) };
      }
    }
  }
}

type PanelJson = { state: string; failure: string | null; value: Record<string, unknown> | null };

/** The parts of a snapshot that tests look at. */
export type SnapshotJson = {
  state: string;
  atMs: number;
  alarms: { name: string; text: string }[];
  services: Record<string, PanelJson>;
  rate: {
    perSecond: number;
    acceptedPerSecond: number | null;
    series: number[];
    failure: string | null;
  };
  lag: { records: string } | null;
} & Record<
  | 'postgres'
  | 'logEnds'
  | 'logLoss'
  | 'totals'
  | 'batches'
  | 'rounds'
  | 'settlement'
  | 'deposits'
  | 'held'
  | 'undecided'
  | 'audit',
  PanelJson
>;
