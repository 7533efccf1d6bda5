import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HexFormat;
import org.apache.kafka.common.utils.Utils;

/**
 * Where the Java client puts a key: reads keys as hexadecimal, one a line, and prints for each
 * "key hash p0 p1 ...", tab-separated: the murmur2 hash as a signed number and the partition for each partition count
 * given as an argument. It calls what Kafka's own default partitioner calls.
 */
public class Vectors {
    public static void main(String[] partitionCounts) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            int hash = Utils.murmur2(HexFormat.of().parseHex(line));
            StringBuilder row = new StringBuilder(line).append('\t').append(hash);
            for (String count : partitionCounts) {
                row.append('\t').append(Utils.toPositive(hash) % Integer.parseInt(count));
            }
            System.out.println(row);
        }
    }
}
