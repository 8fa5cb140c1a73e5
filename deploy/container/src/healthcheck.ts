// Exits 0 when the process of this container says that it is ready; what is not ready goes to the health log.
const port = process.env.HTTP_PORT ?? '8080';
try {
  const response = await fetch(`http://127.0.0.1:${port}${process.env.HEALTH_PATH ?? '/readyz'}`, {
    signal: AbortSignal.timeout(3_000),
  });
  if (!response.ok) process.stderr.write(`${await response.text()}\n`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
