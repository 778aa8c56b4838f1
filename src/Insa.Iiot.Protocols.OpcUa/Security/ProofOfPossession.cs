using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.OpcUa.Security;

/// <summary>The signatures of CreateSession and ActivateSession (Part 4 §7.36): over the other side's certificate and its last nonce.</summary>
internal static class ProofOfPossession
{
    public static byte[] Sign(RSA key, SecurityPolicy policy, ReadOnlySpan<byte> otherCertificate, ReadOnlySpan<byte> otherNonce) =>
        RsaBlocks.Sign(key, policy, [.. otherCertificate, .. otherNonce]);

    public static bool Verify(
        RSA key,
        SecurityPolicy policy,
        ReadOnlySpan<byte> ownCertificate,
        ReadOnlySpan<byte> ownNonce,
        ReadOnlySpan<byte> signature
    ) => RsaBlocks.Verify(key, policy, [.. ownCertificate, .. ownNonce], signature);
}
