/** The table of calls under way behaves as a Map would, whatever comes and goes. */
import { expect, test } from 'vitest'
import { ById } from '../../../warmpool/wire/by-id.ts'
import { numbers } from './frames-by-hand.ts'

class Item {
  readonly id: number
  nextById: Item | null = null
  constructor(id: number) {
    this.id = id
  }
}

test('what a Map would hold is held, through growth and with numbers that share a bucket', () => {
  const random = numbers(11)
  const table = new ById<Item>()
  const model = new Map<number, Item>()
  for (let id = 1; id <= 20_000; id++) {
    // Some are taken out soon, some live for thousands of others.
    const item = new Item(random(8) === 0 ? id * 64 : id)
    if (model.has(item.id)) continue
    table.add(item)
    model.set(item.id, item)
    while (model.size > 40 + random(400)) {
      const [out] = [...model.values()].slice(random(model.size))
      if (out === undefined) break
      table.delete(out)
      model.delete(out.id)
      expect(out.nextById).toBeNull()
    }
    expect(table.size).toBe(model.size)
    const asked = random(id * 2)
    expect(table.get(asked)).toBe(model.get(asked))
  }
  expect(table.takeAll()).toEqual([...model.values()].sort((one, other) => one.id - other.id))
  expect(table.size).toBe(0)
})

test('taking out what is not in it changes nothing, and what was taken out may come again', () => {
  const table = new ById<Item>()
  const [one, other] = [new Item(1), new Item(65)]
  table.delete(one)
  table.add(one)
  table.add(other)
  table.delete(one)
  table.delete(one)
  expect([table.size, table.get(1), table.get(65)]).toEqual([1, undefined, other])
  table.add(one)
  expect(table.takeAll()).toEqual([one, other])
  expect([one.nextById, other.nextById]).toEqual([null, null])
})
