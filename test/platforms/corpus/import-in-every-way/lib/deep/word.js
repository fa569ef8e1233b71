export const word = async (name) => (await import(name)).default
