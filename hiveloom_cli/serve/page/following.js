/** Keeps the end of what grows in sight, unless the person looks at something further up. */

const NEAR = 48; // pixels from the end that still count as the end

/**
 * Follow the end of a scrolling element; `button` leads there when it is out of sight.
 *
 * @returns {{ keep: () => void, toEnd: () => void }} `keep` after something grew, `toEnd` to go there
 */
export function follow(scroller, button) {
  let isFollowing = true;
  let last = 0;

  function toEnd() {
    isFollowing = true;
    scroller.scrollTop = scroller.scrollHeight;
    last = scroller.scrollTop;
    button.hidden = true;
  }

  function keep() {
    if (isFollowing) toEnd();
    else button.hidden = isNear();
  }

  function isNear() {
    return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
  }

  scroller.addEventListener("scroll", () => {
    // What grows moves the end away without a hand: only a way upwards is the person's.
    if (isNear()) isFollowing = true;
    else if (scroller.scrollTop < last) isFollowing = false;
    last = scroller.scrollTop;
    button.hidden = isFollowing || isNear();
  });
  new ResizeObserver(keep).observe(scroller);
  button.addEventListener("click", toEnd);
  return { keep, toEnd };
}
