import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Server } from 'bittorrent-tracker';
import WebTorrent, { type Torrent } from 'webtorrent';

const MIB = 1024 * 1024;
const FILE_NAME = 'swarmledger-demo.bin';
const LOOK_EVERY_MS = 10;
const STALLED_MS = 8_000;
/** How often peers ask the tracker for others: often, so that a missed answer costs little. */
const ANNOUNCE_EVERY_MS = 2_000;

// Only the tracker on loopback is asked, and nobody outside this machine is told of anything.
const CLIENT_OPTIONS = {
  dht: false,
  lsd: false,
  utp: false,
  webSeeds: false,
  natUpnp: false,
  natPmp: false,
  tracker: { wrtc: false },
} as const;

/**
 * A swarm on loopback: a tracker, a seeder with a new random file, and later a downloader. All three
 * speak the real BitTorrent protocol.
 */
export class LoopbackSwarm {
  #seeder: WebTorrent | undefined;
  #downloader: WebTorrent | undefined;
  #tracker: Server | undefined;
  #torrent: Torrent | undefined;
  #sha256 = '';

  readonly #removeFiles = () => rmSync(this.folder, { recursive: true, force: true });

  private constructor(private readonly folder: string) {
    process.once('exit', this.#removeFiles);
  }

  /** Writes the file, starts the tracker and seeds. */
  static async start(fileMib: number, pieceBytes: number): Promise<LoopbackSwarm> {
    const swarm = new LoopbackSwarm(await mkdtemp(join(tmpdir(), 'swarmledger-demo-')));
    try {
      await swarm.#seed(fileMib, pieceBytes);
      return swarm;
    } catch (error) {
      await swarm.stop();
      throw error;
    }
  }

  /** 20 bytes: the swarm that is traded in the auction. */
  get infoHash(): Buffer {
    return Buffer.from(this.#seeded.infoHash, 'hex');
  }

  /**
   * Downloads the file and calls back for each verified piece, once, with its length in bytes.
   * Returns true when the whole file has the hash of the seeder's. A downloader to which nothing
   * comes is replaced by a new one, which goes on with the pieces on disk. Rejects when the download
   * fails or takes longer than the time.
   */
  async download(onPiece: (bytes: number) => void, timeoutMs: number): Promise<boolean> {
    const endMs = Date.now() + timeoutMs;
    const folder = join(this.folder, 'downloaded');
    await mkdir(folder);
    const seen = new Set<number>();
    while (!(await this.#fetch(folder, seen, onPiece))) {
      if (Date.now() > endMs) {
        throw new Error(`the download took more than ${timeoutMs} ms: ${seen.size} pieces came`);
      }
    }
    return (await sha256Of(join(folder, FILE_NAME))) === this.#sha256;
  }

  // True when the file is complete, false when no piece came for a while.
  async #fetch(
    path: string,
    seen: Set<number>,
    onPiece: (bytes: number) => void,
  ): Promise<boolean> {
    const downloader = new WebTorrent(CLIENT_OPTIONS);
    this.#downloader = downloader;
    const torrent = downloader.add(this.#seeded.torrentFile, { path });
    let lastMs = Date.now();
    const look = () => {
      if (torrent.bitfield === undefined) return;
      for (let index = 0; index < torrent.pieces.length; index++) {
        if (seen.has(index) || !torrent.bitfield.get(index)) continue;
        seen.add(index);
        lastMs = Date.now();
        const last = index === torrent.pieces.length - 1;
        onPiece(last ? torrent.lastPieceLength : torrent.pieceLength);
      }
    };
    let timer: NodeJS.Timeout | undefined;
    try {
      const complete = await new Promise<boolean>((resolve, reject) => {
        torrent.once('done', () => resolve(true));
        torrent.once('error', reject);
        downloader.once('error', reject);
        timer = setInterval(() => {
          look();
          if (Date.now() - lastMs > STALLED_MS) resolve(false);
        }, LOOK_EVERY_MS);
      });
      if (complete) look();
      else await ended(downloader);
      return complete;
    } finally {
      clearInterval(timer);
    }
  }

  /** Ends the peers and the tracker and deletes the files. */
  async stop(): Promise<void> {
    await Promise.all([ended(this.#seeder), ended(this.#downloader)]);
    const tracker = this.#tracker;
    if (tracker !== undefined) await new Promise<void>((resolve) => tracker.close(() => resolve()));
    this.#removeFiles();
    process.off('exit', this.#removeFiles);
  }

  get #seeded(): Torrent {
    if (this.#torrent === undefined) throw new Error('nothing is seeded');
    return this.#torrent;
  }

  async #seed(fileMib: number, pieceLength: number): Promise<void> {
    const path = join(this.folder, FILE_NAME);
    await pipeline(randomMebibytes(fileMib), createWriteStream(path));
    this.#sha256 = await sha256Of(path);
    const tracker = new Server({
      ...{ http: true, udp: false, ws: false, stats: false },
      interval: ANNOUNCE_EVERY_MS,
    });
    this.#tracker = tracker;
    await new Promise<void>((resolve) => tracker.listen(0, '127.0.0.1', resolve));
    const { port } = tracker.http.address() as AddressInfo;
    const announce = [`http://127.0.0.1:${port}/announce`];
    const seeder = new WebTorrent(CLIENT_OPTIONS);
    this.#seeder = seeder;
    this.#torrent = await new Promise<Torrent>((resolve, reject) => {
      seeder.once('error', reject);
      seeder.seed(path, { announce, pieceLength, private: true }, resolve);
    });
  }
}

function ended(client: WebTorrent | undefined): Promise<void> {
  return new Promise((resolve) => (client ? client.destroy(() => resolve()) : resolve()));
}

async function* randomMebibytes(count: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < count; done++) yield randomBytes(MIB);
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}
