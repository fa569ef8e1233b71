/** The worker's variables as an object with methods, as Deno and Netlify have them alike. */
export const variables = {
  get: (name: string): string | undefined => process.env[name],
  has: (name: string): boolean => process.env[name] !== undefined,
  set(name: string, value: string): void {
    process.env[name] = value
  },
  delete(name: string): void {
    delete process.env[name]
  },
  toObject: (): Record<string, string | undefined> => ({ ...process.env }),
}
