#!/usr/bin/env node
// The one way into the project: every npm script is `node scripts/run.mjs <command>`. It runs on any
// Node from 20 on and without dependencies; it installs and builds what is missing, then hands over
// to the command on the project's own Node.
const NODE_MAJOR_MIN = 20;

const major = Number(process.versions.node.split('.')[0]);
if (major < NODE_MAJOR_MIN) {
  process.stderr.write(
    `Swarmledger needs Node ${NODE_MAJOR_MIN} or later to start (it brings its own Node 24 then); this is Node ${process.versions.node}.\n`,
  );
  process.exit(1);
}

// Imported only now: an older Node might not even be able to read what follows.
const { main } = await import('./lib/main.mjs');
process.exitCode = await main(
  process.argv.slice(2),
  Date.now() - Math.round(process.uptime() * 1000),
);
