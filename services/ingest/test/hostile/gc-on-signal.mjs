// Preloaded into the ingest process of the hostile tests: its memory is compared after rubbish is collected.
process.on('SIGUSR2', () => globalThis.gc?.());
