using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>The certificates an authority has revoked (RFC 5280 §5).</summary>
internal sealed class RevocationList
{
    private readonly SignedData _signed;
    private readonly byte[] _issuer;
    private readonly DateTime _thisUpdate;
    private readonly DateTime _nextUpdate;
    private readonly HashSet<string> _serials;

    private RevocationList(SignedData signed, byte[] issuer, DateTime thisUpdate, DateTime nextUpdate, HashSet<string> serials) =>
        (_signed, _issuer, _thisUpdate, _nextUpdate, _serials) = (signed, issuer, thisUpdate, nextUpdate, serials);

    /// <returns><see langword="null"/> if it is none, or one that says less than all of an authority's: a delta or partial list.</returns>
    public static RevocationList? TryRead(ReadOnlyMemory<byte> der)
    {
        try
        {
            var signed = SignedData.Read(der);
            var list = new AsnReader(signed.Content, AsnEncodingRules.DER).ReadSequence();
            if (list.PeekTag().HasSameClassAndValue(Asn1Tag.Integer))
                list.ReadInteger();
            list.ReadSequence();
            var issuer = list.ReadEncodedValue().ToArray();
            var thisUpdate = ReadTime(list);
            var nextUpdate = DateTime.MaxValue;
            if (list.HasData && IsTime(list.PeekTag()))
                nextUpdate = ReadTime(list);
            var serials = new HashSet<string>(StringComparer.Ordinal);
            if (list.HasData && list.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence))
                ReadEntries(list.ReadSequence(), serials);
            return list.HasData && HasCritical(list) ? null : new RevocationList(signed, issuer, thisUpdate, nextUpdate, serials);
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Whether it is the list of <paramref name="issuer"/>, by its name and its signature, and holds now.</summary>
    public bool IsCurrentOf(X509Certificate2 issuer, DateTime now) =>
        now >= _thisUpdate
        && now <= _nextUpdate
        && _issuer.AsSpan().SequenceEqual(issuer.SubjectName.RawData)
        && !_signed.IsWeak
        && _signed.IsSignedBy(issuer);

    public bool Contains(X509Certificate2 certificate) => _serials.Contains(Convert.ToHexString(certificate.SerialNumberBytes.Span));

    private static void ReadEntries(AsnReader entries, HashSet<string> serials)
    {
        while (entries.HasData)
            serials.Add(Convert.ToHexString(entries.ReadSequence().ReadIntegerBytes().Span));
    }

    // What is critical limits what the list says, and is not known here.
    private static bool HasCritical(AsnReader list)
    {
        var extensions = list.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true)).ReadSequence();
        while (extensions.HasData)
        {
            var extension = extensions.ReadSequence();
            extension.ReadObjectIdentifier();
            if (extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && extension.ReadBoolean())
                return true;
        }

        return false;
    }

    private static bool IsTime(Asn1Tag tag) =>
        tag.HasSameClassAndValue(Asn1Tag.UtcTime) || tag.HasSameClassAndValue(Asn1Tag.GeneralizedTime);

    private static DateTime ReadTime(AsnReader reader) =>
        reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime)
            ? reader.ReadUtcTime().UtcDateTime
            : reader.ReadGeneralizedTime().UtcDateTime;
}
