// Dates, numbers and money are written by the system's customs: the tests have those of one place, wherever they run.
Object.defineProperty(navigator, 'language', { configurable: true, get: () => 'en-GB' });
Object.defineProperty(navigator, 'languages', { configurable: true, get: () => ['en-GB', 'en'] });
