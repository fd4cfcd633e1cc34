// What the API takes, so that the page can say it before somebody breaks it.

export const NAME_PATTERN = "[A-Za-z0-9_]{1,15}";
export const LONGEST_NAME = 15;
export const SHORTEST_PASSWORD = 8;
export const LONGEST_PASSWORD = 200;
export const CODE_PATTERN = "[0-9]{6}";
export const LONGEST_POST = 280;
