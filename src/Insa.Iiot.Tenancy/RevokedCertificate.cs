namespace Insa.Iiot.Tenancy;

/// <summary>A client certificate that lets nobody in any more, although an authority of the tenant issued it.</summary>
/// <param name="Serial">Its serial number (RFC 5280 section 4.1.2.2) in hexadecimal, capital letters, without zeros in front.</param>
/// <param name="RevokedAt">Since when, UTC.</param>
public sealed record RevokedCertificate(string Serial, DateTime RevokedAt);
