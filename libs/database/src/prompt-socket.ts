import { connect, type Socket } from 'node:net';

/** Where servers may be, as the client has read it from the URL. */
type Addresses = {
  readonly host?: string | readonly string[];
  readonly port?: number | readonly number[];
  readonly path?: string | false;
};

/**
 * Makes sockets that send at once. A COPY is ended by a small packet of its own, which would otherwise
 * wait 40 ms for the other side to confirm the one before. Several hosts are taken in turn; the client
 * itself notices a socket that fails, and asks for the next.
 */
export function promptSockets(): (addresses: Addresses) => Socket {
  let made = 0;
  return ({ host = 'localhost', port = 5432, path }) => {
    if (path) return connect({ path });
    const hosts = [host].flat();
    const ports = [port].flat();
    const turn = made++ % hosts.length;
    const address = { host: hosts[turn] ?? 'localhost', port: ports[turn] ?? ports[0] ?? 5432 };
    // The client reads from the socket which name a certificate must bear.
    return Object.assign(connect({ ...address, noDelay: true }), address);
  };
}
