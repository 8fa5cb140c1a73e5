// The parts that the demo uses of two packages that bring no types of their own.
declare module 'webtorrent' {
  import type { EventEmitter } from 'node:events';

  export interface TorrentOptions {
    readonly announce?: readonly string[];
    readonly path?: string;
    readonly pieceLength?: number;
    readonly private?: boolean;
  }

  export interface Torrent extends EventEmitter {
    readonly infoHash: string;
    readonly torrentFile: Buffer;
    readonly pieceLength: number;
    readonly lastPieceLength: number;
    readonly pieces: readonly unknown[];
    readonly bitfield: { get(index: number): boolean };
    readonly numPeers: number;
    readonly done: boolean;
  }

  export interface ClientOptions {
    readonly dht: boolean;
    readonly lsd: boolean;
    readonly utp: boolean;
    readonly webSeeds: boolean;
    readonly natUpnp?: boolean;
    readonly natPmp?: boolean;
    readonly tracker: Readonly<Record<string, unknown>>;
  }

  export default class WebTorrent extends EventEmitter {
    constructor(options: ClientOptions);
    seed(path: string, options: TorrentOptions, onSeed: (torrent: Torrent) => void): Torrent;
    add(torrentFile: Buffer, options: TorrentOptions): Torrent;
    destroy(callback: (error?: Error) => void): void;
  }
}

declare module 'bittorrent-tracker' {
  import type { EventEmitter } from 'node:events';
  import type { Server as HttpServer } from 'node:http';

  export interface ServerOptions {
    readonly http: boolean;
    readonly udp: boolean;
    readonly ws: boolean;
    readonly stats: boolean;
    readonly interval?: number;
  }

  export class Server extends EventEmitter {
    constructor(options: ServerOptions);
    readonly http: HttpServer;
    listen(port: number, host: string, onListening: () => void): void;
    close(callback: () => void): void;
  }
}
