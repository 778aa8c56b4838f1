using System.Buffers;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>Turns whole messages into protected ones and back (RFC 8613 §8): type, message id and token stay.</summary>
internal static class OscoreMessages
{
    /// <summary>Protects a message.</summary>
    /// <param name="context">Whose keys to use.</param>
    /// <param name="plain">The message, well formed.</param>
    /// <param name="requestKid">The key id of the request that it is or answers.</param>
    /// <param name="requestPartialIv">The Partial IV of that request.</param>
    /// <param name="ownPartialIv">The Partial IV of this message: the same for a request; empty for a response under its request's nonce.</param>
    /// <param name="hasKidContext">Whether a request names the context.</param>
    /// <param name="destination">Where it goes.</param>
    /// <param name="length">How long it is.</param>
    /// <returns><see langword="false"/> if it does not fit.</returns>
    public static bool TryProtect(
        OscoreContext context,
        ReadOnlySpan<byte> plain,
        ReadOnlySpan<byte> requestKid,
        ReadOnlySpan<byte> requestPartialIv,
        ReadOnlySpan<byte> ownPartialIv,
        bool hasKidContext,
        Span<byte> destination,
        out int length
    )
    {
        length = 0;
        if (!CoapHeader.TryRead(plain, out var header) || !CoapMessage.TryRead(plain, header.Code, out var message))
            return false;
        var isRequest = header.Code.IsRequest;
        var option = new OscoreOption
        {
            PartialIv = ownPartialIv,
            Kid = isRequest ? context.SenderId : [],
            HasKid = isRequest,
            KidContext = hasKidContext ? context.IdContext : [],
            HasKidContext = hasKidContext,
        };
        Span<byte> optionValue = stackalloc byte[option.Length];
        option.Write(optionValue);

        // The inner message is never longer than the plain one.
        var rented = ArrayPool<byte>.Shared.Rent((2 * plain.Length) + OscoreKeys.TagBytes + 8);
        try
        {
            var inner = new CoapMessageWriter(rented.AsSpan(0, plain.Length + 4));
            var outer = new CoapMessageWriter(destination);
            var isObserve = HasObserve(message.Options);
            outer.WriteHeader(header with { Code = OuterCode(isRequest, isObserve) }, message.Token);
            var hasOption = false;
            for (var options = new CoapOptionReader(message.Options); options.Read(); )
            {
                if (!hasOption && options.Number > CoapOptionNumber.Oscore)
                {
                    outer.WriteOption(CoapOptionNumber.Oscore, optionValue);
                    hasOption = true;
                }

                if (IsOuter(options.Number))
                    outer.WriteOption(options.Number, options.Value);

                // RFC 8613 §4.1.3.5.2: the inner Observe of a notification is empty; its order is that of the Partial IV.
                if (IsInner(options.Number))
                    inner.WriteOption(options.Number, options.Number == CoapOptionNumber.Observe && !isRequest ? [] : options.Value);
            }

            if (!hasOption)
                outer.WriteOption(CoapOptionNumber.Oscore, optionValue);
            inner.WritePayload(message.Payload);
            if (inner.IsTruncated)
                return false;

            var plaintext = rented.AsSpan(plain.Length + 8, 1 + inner.Length);
            plaintext[0] = header.Code.Value;
            inner.Written.CopyTo(plaintext[1..]);
            var sealedBytes = ArrayPool<byte>.Shared.Rent(plaintext.Length + OscoreKeys.TagBytes);
            try
            {
                var ciphertext = sealedBytes.AsSpan(0, plaintext.Length + OscoreKeys.TagBytes);
                Span<byte> nonce = stackalloc byte[OscoreKeys.NonceBytes];
                WriteNonce(context, isSender: true, requestKid, requestPartialIv, ownPartialIv, nonce);
                Span<byte> aad = stackalloc byte[OscoreAad.MaxBytes];
                var aadLength = OscoreAad.Write(requestKid, requestPartialIv, aad);
                context.Seal(nonce, plaintext, aad[..aadLength], ciphertext);
                outer.WritePayload(ciphertext);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(sealedBytes);
            }

            length = outer.Length;
            return !outer.IsTruncated;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Opens a protected message whose OSCORE option was read.</summary>
    /// <param name="context">Whose keys to use.</param>
    /// <param name="datagram">The protected message, well formed.</param>
    /// <param name="requestKid">The key id of the request that it is or answers.</param>
    /// <param name="requestPartialIv">The Partial IV of that request.</param>
    /// <param name="ownPartialIv">The Partial IV of this message; empty if it has none.</param>
    /// <param name="destination">Where the plain message goes; as long as the datagram is enough.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="order">Of a response: the number to give a notification, as its Partial IV is its order (RFC 8613 §4.1.3.5.2).</param>
    /// <returns><see langword="false"/> if it is not genuine, or holds no message.</returns>
    public static bool TryOpen(
        OscoreContext context,
        ReadOnlySpan<byte> datagram,
        ReadOnlySpan<byte> requestKid,
        ReadOnlySpan<byte> requestPartialIv,
        ReadOnlySpan<byte> ownPartialIv,
        Span<byte> destination,
        out int length,
        uint order = 0
    )
    {
        length = 0;
        if (!CoapHeader.TryRead(datagram, out var header) || !CoapMessage.TryRead(datagram, header.Code, out var outer))
            return false;
        if (outer.Payload.Length <= OscoreKeys.TagBytes)
            return false;
        Span<byte> nonce = stackalloc byte[OscoreKeys.NonceBytes];
        WriteNonce(context, isSender: false, requestKid, requestPartialIv, ownPartialIv, nonce);
        Span<byte> aad = stackalloc byte[OscoreAad.MaxBytes];
        var aadLength = OscoreAad.Write(requestKid, requestPartialIv, aad);
        var rented = ArrayPool<byte>.Shared.Rent(outer.Payload.Length);
        try
        {
            var plaintext = rented.AsSpan(0, outer.Payload.Length - OscoreKeys.TagBytes);
            if (!context.TryOpen(nonce, outer.Payload, aad[..aadLength], plaintext))
                return false;
            var code = new CoapCode(plaintext[0]);
            if (code.Value == 0 || code.IsRequest != header.Code.IsRequest)
                return false;
            if (!CoapMessage.TryRead(code, tokenNibble: 0, plaintext[1..], out var inner))
                return false;
            var writer = new CoapMessageWriter(destination);
            writer.WriteHeader(header with { Code = code }, outer.Token);
            Merge(ref writer, outer.Options, inner.Options, code.IsResponse ? order : null);
            writer.WritePayload(inner.Payload);
            length = writer.Length;
            return !writer.IsTruncated;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented, clearArray: true);
        }
    }

    /// <summary>Finds the OSCORE option.</summary>
    public static bool TryFindOption(ReadOnlySpan<byte> options, out ReadOnlySpan<byte> value)
    {
        value = default;
        for (var reader = new CoapOptionReader(options); reader.Read(); )
        {
            if (reader.Number != CoapOptionNumber.Oscore)
                continue;
            value = reader.Value;
            return true;
        }

        return false;
    }

    /// <summary>Whether there is an Observe option.</summary>
    public static bool HasObserve(ReadOnlySpan<byte> options)
    {
        for (var reader = new CoapOptionReader(options); reader.Read(); )
        {
            if (reader.Number == CoapOptionNumber.Observe)
                return true;
        }

        return false;
    }

    private static void WriteNonce(
        OscoreContext context,
        bool isSender,
        ReadOnlySpan<byte> requestKid,
        ReadOnlySpan<byte> requestPartialIv,
        ReadOnlySpan<byte> ownPartialIv,
        Span<byte> nonce
    )
    {
        if (ownPartialIv.IsEmpty)
            context.WriteNonce(requestKid, requestPartialIv, nonce);
        else
            context.WriteNonce(isSender ? context.SenderId : context.RecipientId, ownPartialIv, nonce);
    }

    // What is outside counts only if it may be there: an outer option of class E is nobody's word (RFC 8613 §4.1.1).
    private static void Merge(ref CoapMessageWriter writer, ReadOnlySpan<byte> outerOptions, ReadOnlySpan<byte> innerOptions, uint? order)
    {
        var outer = new CoapOptionReader(outerOptions);
        var inner = new CoapOptionReader(innerOptions);
        var hasOuter = ReadOuter(ref outer);
        for (var hasInner = inner.Read(); hasInner || hasOuter; )
        {
            if (hasInner && (!hasOuter || inner.Number <= outer.Number))
            {
                if (order is { } number && inner.Number == CoapOptionNumber.Observe)
                    writer.WriteOption(inner.Number, number);
                else
                    writer.WriteOption(inner.Number, inner.Value);
                hasInner = inner.Read();
            }
            else
            {
                writer.WriteOption(outer.Number, outer.Value);
                hasOuter = ReadOuter(ref outer);
            }
        }
    }

    private static bool ReadOuter(ref CoapOptionReader options)
    {
        while (options.Read())
        {
            if (!IsInner(options.Number) && options.Number != CoapOptionNumber.Oscore)
                return true;
        }

        return false;
    }

    // RFC 8613 §4.2: the true code is inside; Observe needs FETCH and 2.05 outside for proxies to pass it on.
    private static CoapCode OuterCode(bool isRequest, bool isObserve) =>
        isRequest ? (isObserve ? CoapCode.Fetch : CoapCode.Post) : (isObserve ? CoapCode.Content : CoapCode.Changed);

    // RFC 8613 §4.1, figure 5. Observe is both; what is not listed is encrypted.
    private static bool IsInner(int number) =>
        number
            is not (
                CoapOptionNumber.UriHost
                or CoapOptionNumber.UriPort
                or CoapOptionNumber.ProxyUri
                or CoapOptionNumber.ProxyScheme
                or CoapOptionNumber.Oscore
            );

    private static bool IsOuter(int number) => !IsInner(number) || number == CoapOptionNumber.Observe;
}
