declare module 'solc' {
  /** Compiles a standard-JSON request; returns standard JSON. */
  export function compile(input: string): string;
  export function version(): string;
}
