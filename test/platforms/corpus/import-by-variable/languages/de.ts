export const say = (name: string): string => `Hallo ${name}`
