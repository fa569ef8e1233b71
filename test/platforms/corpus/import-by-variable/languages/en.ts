import { greeting } from '../greeting.ts'

export const say = (name: string): string => greeting(name)
