export interface Platform {
  readonly isDesktop: boolean;
  readonly isMobile: boolean;
  readonly isDesktopApp: boolean;
  readonly isMobileApp: boolean;
  readonly isIosApp: boolean;
  readonly isAndroidApp: boolean;
  readonly isPhone: boolean;
  readonly isTablet: boolean;
  readonly isMacOS: boolean;
  readonly isWin: boolean;
  readonly isLinux: boolean;
  readonly isSafari: boolean;
}

export function createPlatform(isMobile: boolean): Platform {
  return {
    isDesktop: !isMobile,
    isMobile,
    isDesktopApp: !isMobile,
    isMobileApp: isMobile,
    isIosApp: false,
    isAndroidApp: isMobile,
    isPhone: isMobile,
    isTablet: false,
    isMacOS: false,
    isWin: false,
    isLinux: !isMobile,
    isSafari: false,
  };
}
