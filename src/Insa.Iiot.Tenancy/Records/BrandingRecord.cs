namespace Insa.Iiot.Tenancy.Records;

internal sealed record BrandingRecord(string? ProductName, string? PrimaryColor, string? AccentColor, string? LogoMediaType, byte[] Logo);
