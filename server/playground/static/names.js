// Where the names of marks are written: beside their mark, and where no mark and no other name lies.

// Of style.css, .plot .label: so wide is a bold letter at most on average, so far it goes up and down.
const LETTER = 7.5;
const [RISE, FALL] = [11, 3];
// From a mark to its name, the first that is free; down is the baseline's.
const ACROSS = 9;
const DOWN = [-6, 15, 4, -10, 12, -18, 25];
const OUTSIDE = 1e6;

// `marks` are {x, y, reach, label} in the units of the SVG, reach how far a mark goes; `bounds` is a box {left, right,
// top, bottom}. Returns by mark the place {x, y, "text-anchor"} of its name, where it has one. A name for which there
// is no room covers, and is covered, as little as can be.
export function placeNames(marks, bounds) {
  const taken = marks.map(({ x, y, reach }) => ({ left: x - reach, right: x + reach, top: y - reach, bottom: y + reach }));
  const places = new Map();
  for (const mark of marks.filter(({ label }) => label)) {
    const choices = beside(mark).map((place) => {
      const box = boxOf(place, mark.label);
      return { place, box, badness: badnessOf(box, taken, bounds) };
    });
    const best = choices.reduce((one, other) => (other.badness < one.badness ? other : one));
    places.set(mark, best.place);
    taken.push(best.box);
  }
  return places;
}

function beside({ x, y }) {
  return DOWN.flatMap((down) => [
    { x: x + ACROSS, y: y + down, "text-anchor": "start" },
    { x: x - ACROSS, y: y + down, "text-anchor": "end" },
  ]);
}

function boxOf({ x, y, "text-anchor": anchor }, label) {
  const left = anchor === "start" ? x : x - label.length * LETTER;
  return { left, right: left + label.length * LETTER, top: y - RISE, bottom: y + FALL };
}

function badnessOf(box, taken, bounds) {
  const isOut = box.left < bounds.left || box.right > bounds.right || box.top < bounds.top || box.bottom > bounds.bottom;
  return taken.reduce((sum, other) => sum + sharedArea(box, other), isOut ? OUTSIDE : 0);
}

function sharedArea(one, other) {
  const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return across > 0 && down > 0 ? across * down : 0;
}
