using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Insa.Iiot.Protocols.Coap.Transport;

/// <summary>
/// Several datagrams by one system call (recvmmsg(2), sendmmsg(2)), measured beside one call each in <c>benchmarks/README.md</c>.
/// The memory is native, as the kernel keeps to the addresses in it. For one thread at a time.
/// </summary>
internal sealed unsafe partial class LinuxDatagrams : IDisposable
{
    public const int Capacity = 64;

    private const int NameBytes = 28; // sizeof(sockaddr_in6), the longer of the two
    private const int WaitForOne = 0x10000; // MSG_WAITFORONE

    private readonly int _bufferBytes;
    private readonly byte* _buffers;
    private readonly byte* _names;
    private readonly IoVector* _vectors;
    private readonly MessageHeader* _headers;

    /// <param name="bufferBytes">The bytes for each datagram to receive; 0 for sending.</param>
    public LinuxDatagrams(int bufferBytes)
    {
        _bufferBytes = bufferBytes;
        _buffers = (byte*)NativeMemory.AllocZeroed((nuint)(Capacity * Math.Max(bufferBytes, 1)));
        _names = (byte*)NativeMemory.AllocZeroed(Capacity * NameBytes);
        _vectors = (IoVector*)NativeMemory.AllocZeroed((nuint)(Capacity * sizeof(IoVector)));
        _headers = (MessageHeader*)NativeMemory.AllocZeroed((nuint)(Capacity * sizeof(MessageHeader)));
        for (var i = 0; i < Capacity; i++)
        {
            _vectors[i] = new IoVector { Base = _buffers + (i * bufferBytes), Length = (nuint)bufferBytes };
            _headers[i] = new MessageHeader
            {
                Name = _names + (i * NameBytes),
                Vectors = _vectors + i,
                VectorCount = 1,
                Length = 0,
            };
        }
    }

    /// <summary>Whether the layouts below are the kernel's.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && sizeof(nint) == 8 && BitConverter.IsLittleEndian;

    /// <summary>Waits for a datagram, and takes those that are there with it.</summary>
    /// <returns>How many; 0 if none came within the socket's time-out.</returns>
    public int Receive(SafeSocketHandle socket)
    {
        for (var i = 0; i < Capacity; i++)
            _headers[i].NameLength = NameBytes;
        return Math.Max(ReceiveMany((int)socket.DangerousGetHandle(), _headers, Capacity, WaitForOne, null), 0);
    }

    /// <summary>A datagram that was received.</summary>
    public ReadOnlySpan<byte> DatagramAt(int index) => new(_vectors[index].Base, (int)_headers[index].Length);

    public PeerAddress PeerAt(int index) => PeerAddress.FromSocketAddress(new ReadOnlySpan<byte>(_headers[index].Name, NameBytes));

    /// <summary>Sends a batch. What the network has no room for is lost, as datagrams are.</summary>
    public void Send(SafeSocketHandle socket, DatagramBatch batch, AddressFamily family)
    {
        fixed (byte* bytes = batch.Bytes)
        {
            for (var first = 0; first < batch.Count; first += Capacity)
                Send(socket, batch, first, Math.Min(Capacity, batch.Count - first), bytes, family);
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_buffers);
        NativeMemory.Free(_names);
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_headers);
    }

    private void Send(SafeSocketHandle socket, DatagramBatch batch, int first, int count, byte* bytes, AddressFamily family)
    {
        for (var i = 0; i < count; i++)
        {
            var (peer, offset, length) = batch.At(first + i);
            _vectors[i] = new IoVector { Base = bytes + offset, Length = (nuint)length };
            _headers[i].NameLength = (uint)peer.WriteSocketAddress(new Span<byte>(_headers[i].Name, NameBytes), family);
        }

        for (var sent = 0; sent < count; )
        {
            var done = SendMany((int)socket.DangerousGetHandle(), _headers + sent, (uint)(count - sent), 0);

            // An error is the first one's alone: the others may still go.
            sent += Math.Max(done, 1);
        }
    }

    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    private static partial int ReceiveMany(int socket, MessageHeader* headers, uint count, int flags, void* timeout);

    [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    private static partial int SendMany(int socket, MessageHeader* headers, uint count, int flags);

    // struct iovec
    private struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    // struct mmsghdr of 64-bit Linux: a msghdr of 56 bytes, padded, and what was received.
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private struct MessageHeader
    {
        [FieldOffset(0)]
        public byte* Name;

        [FieldOffset(8)]
        public uint NameLength;

        [FieldOffset(16)]
        public IoVector* Vectors;

        [FieldOffset(24)]
        public nuint VectorCount;

        [FieldOffset(56)]
        public uint Length;
    }
}
