import { Database } from '#libs/database';
import { freePort, freshDatabase, type TestDatabase, testKafkaBrokers } from '#libs/testing';
import { BrowserSession } from './browser-session.js';
import { type FakeCluster, initialState, startFakeCluster } from './fake-cluster.js';
import { adminEnv, Relay, startAdmin } from './running-admin.js';

/** What a test wants otherwise than usual. */
export type WorldOptions = {
  /** Where Kafka is; the tests' own by default. */
  readonly kafkaBrokers?: string;
  /** Postgres stands behind a relay that can be cut. */
  readonly relayedDatabase?: boolean;
  /** Only what admin needs, without admin: the test starts a process of its own. */
  readonly withoutAdmin?: boolean;
};

/** A fresh database, a fake cluster and the admin service over both. */
export class AdminWorld {
  private constructor(
    readonly testDatabase: TestDatabase,
    /** As the owner of the database. */
    readonly database: Database,
    readonly cluster: FakeCluster,
    /** In front of Postgres; only open when it was asked for. */
    readonly databaseRelay: Relay,
    readonly env: Readonly<Record<string, string>>,
    private readonly admin: { readonly url: string; stop(): Promise<void> } | undefined,
  ) {}

  static async start(options: WorldOptions = {}): Promise<AdminWorld> {
    const testDatabase = await freshDatabase();
    const { url } = testDatabase;
    const database = new Database({ url, applicationName: 'test', connectionsMax: 2 });
    const cluster = await startFakeCluster();
    const address = new URL(url);
    const relay = new Relay({ host: address.hostname, port: Number(address.port || 5432) });
    if (options.relayedDatabase === true) {
      await relay.open();
      address.hostname = '127.0.0.1';
      address.port = String(relay.port);
    }
    const environment = {
      databaseUrl: address.href,
      kafkaBrokers: options.kafkaBrokers ?? testKafkaBrokers(),
      cluster,
      httpPort: await freePort(),
    };
    const env = adminEnv(environment);
    const admin = options.withoutAdmin === true ? undefined : await startAdmin(env);
    return new AdminWorld(testDatabase, database, cluster, relay, env, admin);
  }

  get url(): string {
    return `http://127.0.0.1:${this.env.HTTP_PORT}`;
  }

  get httpPort(): number {
    return Number(this.env.HTTP_PORT);
  }

  /** The cluster in good order again, nobody signed in and nobody locked out. */
  async reset(): Promise<void> {
    Object.assign(this.cluster.state, initialState());
    await this.database.sql`truncate admin.login_attempts, admin.sessions`;
  }

  /** Somebody who is not signed in yet. */
  visitor(): BrowserSession {
    return new BrowserSession(this.url);
  }

  async stop(): Promise<void> {
    await this.admin?.stop();
    await this.cluster.stop();
    await this.databaseRelay.close();
    await this.database.close();
    await this.testDatabase.drop();
  }
}
