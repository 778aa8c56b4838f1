using System.Buffers.Binary;
using System.Security.Cryptography;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Transport;

namespace Insa.Iiot.Protocols.OpcUa.SecureChannel;

/// <summary>The chunks of OpenSecureChannel, which are secured by the certificates' keys (Part 6 §6.7.2, §6.7.4). The same for both sides.</summary>
internal static class OpenChunk
{
    private const int ThumbprintBytes = 20;

    // A second byte of the padding's length is there for keys that are longer (Part 6 §6.7.2.5).
    private const int LongKeyBits = 2048;

    /// <summary>Reads what is before the encrypted part. Nothing is copied.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> chunk, out Header header)
    {
        var reader = new UaReader(chunk[ChunkHeader.Length..], EncodingLimits.Default);
        header = new Header
        {
            ChannelId = reader.UInt32(),
            PolicyUri = reader.Utf8String(),
            Certificate = reader.ByteString(),
            Thumbprint = reader.ByteString(),
        };
        header.Length = chunk.Length - reader.Remaining;
        return reader.Status.IsGood && reader.Remaining >= ChunkHeader.SequenceLength;
    }

    /// <summary>Decrypts a chunk in place and verifies it.</summary>
    /// <param name="policy">Any but None.</param>
    /// <param name="ownKey">The receiver's key.</param>
    /// <param name="peerKey">The sender's key.</param>
    /// <param name="chunk">The whole chunk.</param>
    /// <param name="headerLength">How long its header is.</param>
    /// <param name="bodyLength">How much follows the header and the sequence header.</param>
    public static bool TryOpen(SecurityPolicy policy, RSA ownKey, RSA peerKey, Span<byte> chunk, int headerLength, out int bodyLength)
    {
        bodyLength = 0;
        if (!RsaBlocks.TryDecrypt(ownKey, policy, chunk[headerLength..], out var length))
            return false;
        var signatureLength = RsaBlocks.BlockBytes(peerKey);
        var signed = headerLength + length - signatureLength;
        if (signed < headerLength + ChunkHeader.SequenceLength)
            return false;
        if (!RsaBlocks.Verify(peerKey, policy, chunk[..signed], chunk.Slice(signed, signatureLength)))
            return false;
        var padded = chunk[(headerLength + ChunkHeader.SequenceLength)..signed];
        return TryTakePadding(padded, ownKey.KeySize > LongKeyBits, out bodyLength);
    }

    /// <summary>Makes a chunk.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="ownKey">The sender's key; <see langword="null"/> with the policy None.</param>
    /// <param name="ownCertificate">The sender's certificate.</param>
    /// <param name="peerKey">The receiver's key.</param>
    /// <param name="peerThumbprint">Of the receiver's certificate, by SHA-1.</param>
    /// <param name="channelId">The channel; 0 if it has no id yet.</param>
    /// <param name="sequenceNumber">The chunk's number.</param>
    /// <param name="requestId">The request.</param>
    /// <param name="body">The message.</param>
    public static byte[] Make(
        SecurityPolicy policy,
        RSA? ownKey,
        byte[]? ownCertificate,
        RSA? peerKey,
        byte[]? peerThumbprint,
        uint channelId,
        uint sequenceNumber,
        uint requestId,
        ReadOnlySpan<byte> body
    )
    {
        using var output = new PooledOutput(maxBytes: StateGuard.MaxChunkBytes);
        var writer = new UaWriter(output);
        writer.UInt64(0);
        writer.UInt32(channelId);
        writer.Utf8String(policy.UriUtf8);
        writer.ByteString(policy.IsNone ? null : ownCertificate);
        writer.ByteString(policy.IsNone ? null : peerThumbprint);
        writer.Flush();
        var headerLength = output.Length;
        writer.UInt32(sequenceNumber);
        writer.UInt32(requestId);
        writer.Bytes(body);
        writer.Flush();
        if (ownKey is null || peerKey is null)
        {
            var plain = output.WrittenSpan.ToArray();
            new ChunkHeader(MessageType.Open, ChunkKind.Final, (uint)plain.Length).Write(plain);
            return plain;
        }

        var signatureLength = RsaBlocks.BlockBytes(ownKey);
        Pad(
            ref writer,
            RsaBlocks.PlainBlockBytes(peerKey, policy),
            output.Length - headerLength,
            signatureLength,
            peerKey.KeySize > LongKeyBits
        );
        writer.Flush();
        var size = headerLength + RsaBlocks.EncryptedBytes(peerKey, policy, output.Length - headerLength + signatureLength);

        // The header says the encrypted size, and is signed so.
        var signed = output.WrittenSpan.ToArray();
        new ChunkHeader(MessageType.Open, ChunkKind.Final, (uint)size).Write(signed);
        byte[] plainText = [.. signed.AsSpan(headerLength), .. RsaBlocks.Sign(ownKey, policy, signed)];
        var chunk = new byte[size];
        signed.AsSpan(0, headerLength).CopyTo(chunk);
        RsaBlocks.Encrypt(peerKey, policy, plainText, chunk.AsSpan(headerLength));
        return chunk;
    }

    public static bool IsThumbprint(ReadOnlySpan<byte> thumbprint, ReadOnlySpan<byte> expected) =>
        thumbprint.Length == ThumbprintBytes && thumbprint.SequenceEqual(expected);

    public static (uint Sequence, uint RequestId) ReadSequenceHeader(ReadOnlySpan<byte> header) =>
        (BinaryPrimitives.ReadUInt32LittleEndian(header), BinaryPrimitives.ReadUInt32LittleEndian(header[4..]));

    private static void Pad(ref UaWriter writer, int blockBytes, int length, int signatureLength, bool isLong)
    {
        var sizes = isLong ? 2 : 1;
        var padding = (blockBytes - (length + sizes + signatureLength) % blockBytes) % blockBytes;
        for (var i = 0; i <= padding; i++)
            writer.Byte((byte)padding);
        if (isLong)
            writer.Byte((byte)(padding >> 8));
    }

    private static bool TryTakePadding(ReadOnlySpan<byte> padded, bool isLong, out int bodyLength)
    {
        bodyLength = 0;
        var sizes = isLong ? 2 : 1;
        if (padded.Length < sizes)
            return false;
        var low = padded[^sizes];
        var padding = isLong ? low | (padded[^1] << 8) : low;
        bodyLength = padded.Length - sizes - padding;
        if (bodyLength < 0)
            return false;
        return !padded.Slice(bodyLength, padding + 1).ContainsAnyExcept(low);
    }

    /// <summary>What is before the encrypted part of a chunk, in place.</summary>
    internal ref struct Header
    {
        public uint ChannelId { get; init; }

        public ReadOnlySpan<byte> PolicyUri { get; init; }

        /// <summary>The sender's certificate, perhaps followed by its issuers'.</summary>
        public ReadOnlySpan<byte> Certificate { get; init; }

        public ReadOnlySpan<byte> Thumbprint { get; init; }

        /// <summary>How long the header is.</summary>
        public int Length { get; set; }
    }
}
