namespace Insa.Iiot.Tenancy.Audit;

/// <summary>A signing key.</summary>
/// <param name="Public">What others may know of it.</param>
/// <param name="PrivateKey">PKCS #8; erased when another key takes its place.</param>
internal sealed record AuditKeyRecord(AuditKeyStatement Public, byte[]? PrivateKey = null);
