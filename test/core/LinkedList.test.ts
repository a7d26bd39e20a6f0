import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as LinkedList from "../../src/core/LinkedList.ts"

interface Box<A> extends LinkedList.Node<Box<A>> {
  readonly value: A
}

const box = <A>(value: A): Box<A> => ({ value, previous: undefined, next: undefined })

const listOf = (...values: ReadonlyArray<string>) => {
  const list = LinkedList.make<Box<string>>()
  const nodes = values.map((value) => box(value))
  for (const node of nodes) LinkedList.append(list, node)
  return { list, nodes }
}

const forwards = <A>(list: LinkedList.LinkedList<Box<A>>): ReadonlyArray<A> => {
  const values: Array<A> = []
  for (let node = list.head; node !== undefined; node = node.next) values.push(node.value)
  return values
}

const backwards = <A>(list: LinkedList.LinkedList<Box<A>>): ReadonlyArray<A> => {
  const values: Array<A> = []
  for (let node = list.tail; node !== undefined; node = node.previous) values.push(node.value)
  return values
}

describe("a linked list", () => {
  it("is empty at first", () => {
    expect(LinkedList.make()).toEqual({ head: undefined, tail: undefined, length: 0 })
  })

  it("appends at the end", () => {
    const { list } = listOf("a", "b", "c")
    expect([forwards(list), backwards(list), list.length]).toEqual([["a", "b", "c"], ["c", "b", "a"], 3])
  })

  it.each([
    ["the head", 0, ["b", "c"]],
    ["the middle", 1, ["a", "c"]],
    ["the tail", 2, ["a", "b"]]
  ])("closes up when %s is taken out", (_, index, left) => {
    const { list, nodes } = listOf("a", "b", "c")
    expect(LinkedList.remove(list, nodes[index]!)).toBe(true)
    expect([forwards(list), backwards(list), list.length]).toEqual([left, left.toReversed(), 2])
  })

  it("is empty again after its only value is taken out", () => {
    const { list, nodes } = listOf("a")
    LinkedList.remove(list, nodes[0]!)
    expect(list).toEqual(LinkedList.make())
  })

  it("does not take a node out twice, nor one that was never in", () => {
    const { list, nodes } = listOf("a", "b", "c")
    LinkedList.remove(list, nodes[1]!)
    expect(LinkedList.remove(list, nodes[1]!)).toBe(false)
    expect(LinkedList.remove(list, box("d"))).toBe(false)
    expect([forwards(list), list.length]).toEqual([["a", "c"], 2])
  })

  it("does not take the last node out twice", () => {
    const { list, nodes } = listOf("a")
    LinkedList.remove(list, nodes[0]!)
    expect(LinkedList.remove(list, nodes[0]!)).toBe(false)
    expect(list.length).toBe(0)
  })

  it("lets a node that was taken out hold on to nothing", () => {
    const { list, nodes } = listOf("a", "b", "c")
    LinkedList.remove(list, nodes[1]!)
    expect(nodes[1]).toEqual(box("b"))
  })

  it("takes a node back in at the end", () => {
    const { list, nodes } = listOf("a", "b", "c")
    LinkedList.remove(list, nodes[0]!)
    LinkedList.append(list, nodes[0]!)
    expect([forwards(list), backwards(list)]).toEqual([
      ["b", "c", "a"],
      ["a", "c", "b"]
    ])
  })

  it.prop(
    "agrees with an array after any appends and removals",
    [
      Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: -20, maximum: 20 }))), {
        maxLength: 80
      })
    ],
    ([steps]) => {
      const list = LinkedList.make<Box<number>>()
      const nodes: Array<Box<number>> = []
      let array: Array<number> = []
      for (const [i, step] of steps.entries()) {
        const node = nodes[Math.abs(step) % Math.max(1, nodes.length)]
        if (step >= 0 || node === undefined) {
          const fresh = box(i)
          nodes.push(fresh)
          LinkedList.append(list, fresh)
          array.push(i)
        } else {
          expect(LinkedList.remove(list, node)).toBe(array.includes(node.value))
          array = array.filter((value) => value !== node.value)
        }
        expect([forwards(list), backwards(list), list.length]).toEqual([array, array.toReversed(), array.length])
      }
    },
    { arbitrary: { runs: 300, seed: 9, size: 80 } }
  )
})
