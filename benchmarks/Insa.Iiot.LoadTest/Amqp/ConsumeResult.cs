namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>What one run of a consumer came to, from its first message to the last.</summary>
/// <param name="Side">Whose consumer.</param>
/// <param name="MessagesPerSecond">Messages that were taken, and with us committed.</param>
/// <param name="CpuMicrosecondsPerMessage">The consumer process's CPU; the broker's and the store's are not in it.</param>
/// <param name="AllocatedBytesPerMessage">What the consumer process allocated.</param>
/// <param name="P99Milliseconds">Of the commits; without a store there are none.</param>
/// <param name="Gen0Collections">Collections of garbage.</param>
internal sealed record ConsumeResult(
    string Side,
    double MessagesPerSecond,
    double CpuMicrosecondsPerMessage,
    double AllocatedBytesPerMessage,
    double P99Milliseconds,
    int Gen0Collections
);
