export const hi = async (event: { rawPath: string; version: string }) => ({ version: event.version, path: event.rawPath })
